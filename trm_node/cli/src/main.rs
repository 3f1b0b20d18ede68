//! `trm`: the planner of `trm_node` for people and scripts.
//!
//! Exit codes: 0 a path, 1 bad input (the message names file, field or flag) or a path that may not be driven, 2 no path
//! (with Nav2's name of the reason).

mod args;
mod check;
mod output;
mod parameters;
mod plan;
mod plan_answer;
mod render;
mod replay;
mod steps;
mod steps_picture;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::output::print;

/// The benchmark counts what planning allocates.
#[global_allocator]
static ALLOCATOR: trm_rt::allocator::CountingAllocator = trm_rt::allocator::CountingAllocator;

/// Plans paths with a Tiny Recursive Model, with a deadline, every path checked.
#[derive(Parser)]
#[command(name = "trm", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(args::PlanArgs),
    Render(steps::RenderArgs),
    Replay(replay::ReplayArgs),
    Check(check::CheckArgs),
    Agree(trm_lab::agree::AgreeArgs),
    Bench(trm_lab::bench::args::BenchArgs),
    Eval(trm_lab::eval::EvalArgs),
    Worlds(trm_lab::campaign::WorldsArgs),
    Ends(trm_lab::ends::EndsArgs),
    Drive(trm_lab::drive::DriveArgs),
    Parameters(parameters::ParametersArgs),
    Simulate(trm_lab::simulate::SimulateArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(std::env::args_os().map(without_exponent)) {
        Ok(cli) => cli,
        Err(error) => {
            // Nowhere is left to report a closed stderr to.
            let _ = error.print();
            // clap's own exit code for bad usage is 2, which here means that there is no path.
            return if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS };
        }
    };
    let result = match &cli.command {
        Command::Plan(args) => plan::run(args),
        Command::Render(args) => steps::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Check(args) => check::run(args),
        Command::Agree(args) => trm_lab::agree::run(args).and_then(|found| {
            print(found.text.trim_end())?;
            Ok(if found.agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }),
        Command::Bench(args) => {
            trm_lab::bench::run(args).and_then(|table| print(table.trim_end())).map(|()| ExitCode::SUCCESS)
        }
        Command::Eval(args) => {
            trm_lab::eval::run(args).and_then(|table| print(table.trim_end())).map(|()| ExitCode::SUCCESS)
        }
        Command::Simulate(args) => {
            trm_lab::simulate::run(args).and_then(|summary| print(&summary)).map(|()| ExitCode::SUCCESS)
        }
        Command::Worlds(args) => {
            trm_lab::campaign::run(args).and_then(|table| print(table.trim_end())).map(|()| ExitCode::SUCCESS)
        }
        Command::Ends(args) => {
            trm_lab::ends::run(args).and_then(|table| print(table.trim_end())).map(|()| ExitCode::SUCCESS)
        }
        Command::Drive(args) => {
            trm_lab::drive::run(args).and_then(|table| print(table.trim_end())).map(|()| ExitCode::SUCCESS)
        }
        Command::Parameters(args) => print(parameters::table(args.format).trim_end()).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("trm: {error:#}");
        ExitCode::from(1)
    })
}

/// A negative number as clap knows one: it takes `-1e-7`, as scripts print it, for a flag.
fn without_exponent(argument: OsString) -> OsString {
    let negative = argument.to_str().filter(|text| text.starts_with('-')).and_then(|text| text.parse::<f64>().ok());
    match negative {
        Some(number) if number.is_finite() => number.to_string().into(),
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_declared_soundly() {
        Cli::command().debug_assert();
    }

    #[test]
    fn small_negative_numbers_lose_their_exponent_and_nothing_else_changes() {
        for (text, expected) in [
            ("-5.5e-17", "-0.000000000000000055"),
            ("-2", "-2"),
            ("1e-3", "1e-3"),
            ("--json", "--json"),
            ("-", "-"),
            ("-inf", "-inf"),
        ] {
            assert_eq!(without_exponent(text.into()), expected);
        }
    }
}
