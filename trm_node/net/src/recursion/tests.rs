use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::backend::{Advanced, State};
use crate::graph::Graph;
use crate::graphs::Graphs;
use crate::host::HostBackend;
use crate::released;

const PATIENCE: Duration = Duration::from_secs(1);

/// Adds 1 to whatever it is given, until its net fails; works again after that.
struct Failing {
    failure_after: usize,
}

impl Graphs for Failing {
    fn shape(&self) -> Shape {
        Shape { size: 16, patch: 2, hidden: 32, channels: 5, prefix: 0 }
    }

    fn encode(&mut self, _: &[f32], x: &mut [f32]) -> Result<(), InferenceError> {
        x.fill(1.0);
        Ok(())
    }

    fn net(&mut self, _: Update, s: &[f32], out: &mut [f32]) -> Result<f32, InferenceError> {
        if self.failure_after == 0 {
            self.failure_after = usize::MAX;
            return Err(InferenceError::new(Graph::Net, "out of memory"));
        }
        self.failure_after -= 1;
        out.iter_mut().zip(s).for_each(|(out, s)| *out = s + 1.0);
        Ok(0.5)
    }

    fn decode(&mut self, _: &[f32], _: &[f32], _: &mut [f32]) -> Result<f32, InferenceError> {
        Err(InferenceError::new(Graph::Decode, "no answer"))
    }
}

fn states(recursion: &mut Recursion) -> [Vec<f32>; 2] {
    let len = recursion.shape().state_len();
    [State::Y, State::Z].map(|state| {
        let mut values = vec![0.0; len];
        recursion.backend().read(state, &mut values).unwrap();
        values
    })
}

#[test]
fn a_failed_application_says_why_and_leaves_the_recursion_as_it_was() {
    let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
    let per_cycle = bundle.manifest.architecture.latent_updates + 1;
    // The first failure is in an update of z, the second one in an update of y.
    for before_failure in [1, per_cycle - 1] {
        let graphs = Box::new(Failing { failure_after: before_failure });
        let mut recursion = Recursion::new(&bundle, Box::new(HostBackend::new(&bundle, graphs)));
        recursion.begin_cold();
        recursion.embed(&[]).unwrap();
        for _ in 0..before_failure {
            assert_eq!(recursion.advance(Reach::Step, PATIENCE), Ok(Update::Latent));
        }
        let before = states(&mut recursion);
        let error = recursion.advance(Reach::Step, PATIENCE).unwrap_err();
        assert_eq!(error.to_string(), "inference: graph net failed: out of memory");
        assert_eq!(states(&mut recursion), before);
        assert_eq!((recursion.applications(), recursion.work()), (before_failure, 0.5 * before_failure as f32));
        assert!(recursion.answer_change().is_infinite());
        let error = recursion.decode(PATIENCE).unwrap_err();
        assert_eq!(error.to_string(), "inference: graph decode failed: no answer");

        // It goes on where it was.
        let updates: Vec<_> =
            (before_failure..per_cycle).map(|_| recursion.advance(Reach::Step, PATIENCE).unwrap()).collect();
        assert_eq!(updates.last(), Some(&Update::Answer));
        assert_eq!(recursion.applications(), per_cycle);
    }
}

/// Records what it is asked for.
struct Remote(Sender<Vec<Update>>);

impl Backend for Remote {
    fn shape(&self) -> Shape {
        Shape { size: 16, patch: 2, hidden: 32, channels: 5, prefix: 0 }
    }

    fn reset(&mut self) {}

    fn shift(&mut self, _: i32, _: i32) {}

    fn embed(&mut self, _: &[f32]) -> Result<(), InferenceError> {
        Ok(())
    }

    fn advance(&mut self, updates: &[Update], _: Duration) -> Result<Advanced, InferenceError> {
        self.0.send(updates.to_vec()).unwrap();
        let change = updates.contains(&Update::Answer).then_some(0.25);
        Ok(Advanced { work: updates.len() as f32, change })
    }

    fn decode(&mut self, _: Duration) -> Result<f32, InferenceError> {
        Ok(0.0)
    }

    fn logits(&self) -> &[f32] {
        &[]
    }

    fn is_usable(&self) -> bool {
        true
    }

    fn read(&mut self, _: State, _: &mut [f32]) -> Result<(), InferenceError> {
        Ok(())
    }

    fn quantum(&self) -> Quantum {
        Quantum::Answer
    }
}

#[test]
fn a_backend_whose_calls_are_dear_is_asked_for_a_step_first_and_then_for_answers() {
    let mut bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
    bundle.manifest.architecture.cycles = 2;
    for (latents, expected) in
        [(3, vec![8, 4, 4]), (23, vec![48, 24, 24]), (30, vec![48, 14, 31]), (50, vec![48, 3, 48])]
    {
        bundle.manifest.architecture.latent_updates = latents;
        let (sender, asked) = channel();
        let mut recursion = Recursion::new(&bundle, Box::new(Remote(sender)));
        recursion.begin_cold();
        for count in &expected {
            let reach = recursion.reach().unwrap();
            recursion.advance(reach, PATIENCE).unwrap();
            assert_eq!(asked.try_recv().map(|updates| updates.len()), Ok(*count), "n = {latents}");
        }
        assert_eq!(recursion.applications(), expected.iter().sum::<usize>());
        recursion.begin_warm();
        let reach = recursion.reach().unwrap();
        recursion.advance(reach, PATIENCE).unwrap();
        let updates = asked.recv().unwrap();
        let answers = updates.iter().filter(|update| **update == Update::Answer).count();
        assert_eq!((updates.len(), answers), if latents < 48 { (latents + 1, 1) } else { (48, 0) });
        assert!((recursion.last_share() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn where_there_is_no_time_for_a_step_the_first_call_goes_to_the_first_answer() {
    let bundle = Bundle::load(&released::find(None, std::iter::empty()).unwrap()).unwrap();
    let (sender, asked) = channel();
    let mut recursion = Recursion::new(&bundle, Box::new(Remote(sender)));
    recursion.begin_cold();
    assert_eq!(recursion.reach(), Some(Reach::Step));
    recursion.advance(Reach::Answer, PATIENCE).unwrap();
    let per_cycle = bundle.manifest.architecture.latent_updates + 1;
    assert_eq!(asked.recv().unwrap().len(), per_cycle);
    assert_eq!((recursion.reach(), recursion.is_at_step_end()), (Some(Reach::Answer), false));
    recursion.advance(Reach::Step, PATIENCE).unwrap();
    assert_eq!(asked.recv().unwrap().len(), per_cycle, "what is left of the step");
}
