//! Many pieces of work on a few threads, with a progress bar on a terminal.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Does `count` pieces of work on `threads` threads and returns their results in order. Each thread has tools of its
/// own, which it makes when it first needs them: they load a model, so rayon's `map_init` would make them too often.
///
/// # Errors
/// An error of a tool or of a piece of work; it stops the others.
pub fn run<T: Send, R: Send>(
    what: &'static str,
    count: usize,
    threads: usize,
    tools: impl Fn() -> anyhow::Result<T> + Sync,
    work: impl Fn(&mut T, usize) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let of_threads: Vec<Mutex<Option<T>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    // Nothing is drawn where stderr is no terminal.
    let progress = ProgressBar::new(count as u64)
        .with_style(ProgressStyle::with_template("{msg} [{bar:24}] {pos} / {len}")?.progress_chars("#>."))
        .with_message(what);
    let one = |number: usize| {
        let thread = rayon::current_thread_index().unwrap_or_default();
        let mut of_thread = of_threads[thread].lock().unwrap_or_else(PoisonError::into_inner);
        let own = match &mut *of_thread {
            Some(own) => own,
            none => none.insert(tools()?),
        };
        let result = work(own, number)?;
        progress.inc(1);
        Ok(result)
    };
    let results = pool.install(|| (0..count).into_par_iter().map(one).collect());
    progress.finish();
    results
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        let squares = run("", 100, 4, || Ok(()), |(), number| Ok(number * number)).unwrap();
        assert_eq!(squares, (0..100).map(|number| number * number).collect::<Vec<_>>());
        let error = run("", 100, 3, || Ok(()), |(), number| if number == 40 { bail!("forty") } else { Ok(()) });
        assert_eq!(error.unwrap_err().to_string(), "forty");
    }

    #[test]
    fn each_thread_makes_its_tools_once() {
        let made = Mutex::new(0);
        let make = || {
            *made.lock().unwrap() += 1;
            Ok(())
        };
        run("", 100, 3, make, |(), number| Ok(number)).unwrap();
        assert!((1..=3).contains(&*made.lock().unwrap()));
    }
}
