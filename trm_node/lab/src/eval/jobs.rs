//! Many queries on a few threads, with a count of what is done on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::bail;

/// Does `count` pieces of work on `threads` threads and gives their results in order. Each thread has its own tools.
///
/// # Errors
/// The first error of a tool or of a piece of work.
pub fn run<T, R: Send>(
    what: &str,
    count: usize,
    threads: usize,
    tools: impl Fn() -> anyhow::Result<T> + Sync,
    work: impl Fn(&mut T, usize) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done = Mutex::new(Vec::with_capacity(count));
    let thread = || -> anyhow::Result<()> {
        let mut tools = tools()?;
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let result = work(&mut tools, number)?;
            if let Ok(mut done) = done.lock() {
                done.push((number, result));
                progress(what, done.len(), count);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let stopping = || thread().inspect_err(|_| failed.store(true, Ordering::Relaxed));
        let handles: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(stopping)).collect();
        for handle in handles {
            match handle.join() {
                Ok(result) => result?,
                Err(_) => bail!("{what}: a thread panicked"),
            }
        }
        Ok(())
    })?;
    let mut results = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Only where somebody looks.
fn progress(what: &str, done: usize, count: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let end = if done == count { "\n" } else { "" };
        // A terminal that has gone away needs no progress.
        let _ = write!(stderr, "\r{what} {done} / {count}{end}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        let squares = run("", 100, 4, || Ok(()), |(), number| Ok(number * number)).unwrap();
        assert_eq!(squares, (0..100).map(|number| number * number).collect::<Vec<_>>());
        let error = run("", 100, 3, || Ok(()), |(), number| if number == 40 { bail!("forty") } else { Ok(()) });
        assert_eq!(error.unwrap_err().to_string(), "forty");
    }
}
