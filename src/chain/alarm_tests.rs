//! The alarm against a chain in memory that reorganizes whenever it hurts.

use futures::FutureExt;
use proptest::prelude::*;

use super::super::RpcError;
use super::super::mini_chain::{CHAIN, JUDGE, MiniChain, Step};
use super::*;

const CONFIRMATIONS: u64 = 5;

fn config() -> AlarmConfig {
    AlarmConfig { chain_id: CHAIN, judge: JUDGE, confirmations: CONFIRMATIONS, from_block: 1 }
}

fn alarm(chain: &MiniChain) -> Alarm<&MiniChain> {
    Alarm::new(chain, config(), None)
}

fn poll(alarm: &mut Alarm<&MiniChain>) -> Result<ChainUpdate, AlarmError> {
    alarm.poll().now_or_never().expect("the chain in memory answers at once")
}

/// What a consumer of updates knows.
#[derive(Clone, Debug, Default)]
struct Ledger {
    confirmed: Vec<ChainEvent>,
    pending: Vec<ChainEvent>,
    rollbacks: usize,
}

impl Ledger {
    fn apply(&mut self, update: ChainUpdate) {
        if let Some(block) = update.rollback {
            self.rollbacks += 1;
            self.confirmed.retain(|event| event.position.block <= block);
        }
        for event in update.confirmed {
            assert!(event.position.block <= update.confirmed_to);
            assert!(
                self.confirmed.last().is_none_or(|last| last.position < event.position),
                "told twice or out of order"
            );
            self.confirmed.push(event);
        }
        assert!(update.pending.iter().all(|event| event.position.block > update.confirmed_to));
        self.pending = update.pending;
    }

    fn assert_is(&self, chain: &MiniChain) {
        let head = chain.head().number;
        let settled = head.saturating_sub(CONFIRMATIONS - 1);
        assert_eq!(self.confirmed, chain.events(0, settled));
        assert_eq!(self.pending, chain.events(settled, head));
    }
}

#[derive(Clone, Debug)]
enum Action {
    Chain(Step),
    Poll {
        ambush: Vec<(u8, Step)>,
        lag: Vec<u8>,
    },
    /// The tab dies after the commit and starts again.
    Restart,
    /// The tab dies between the poll and the commit: the consumer and the alarm both fall back.
    LoseAPoll,
    Limit(u64),
}

fn step(deepest: u8) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..3).prop_map(Step::Mine),
        1 => (1..=deepest).prop_flat_map(|depth| {
            let blocks = prop::collection::vec(0_u8..3, usize::from(depth)..=usize::from(depth) + 2);
            blocks.prop_map(move |blocks| Step::Reorg { depth, blocks })
        }),
    ]
}

fn shrinking_step(deepest: u8) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => step(deepest),
        1 => (1..=deepest, prop::collection::vec(0_u8..3, 0..4))
            .prop_map(|(depth, blocks)| Step::Reorg { depth, blocks }),
    ]
}

fn action<S: Strategy<Value = Step> + 'static>(
    step: fn(u8) -> S,
    deepest: u8,
    lag: u8,
) -> impl Strategy<Value = Action> {
    let ambush = prop::collection::vec((0_u8..7, step(deepest)), 0..3);
    prop_oneof![
        5 => step(deepest).prop_map(Action::Chain),
        5 => (ambush, prop::collection::vec(0..=lag, 0..8)).prop_map(|(ambush, lag)| Action::Poll { ambush, lag }),
        1 => Just(Action::Restart),
        1 => Just(Action::LoseAPoll),
        1 => (1_u64..20).prop_map(Action::Limit),
    ]
}

/// Plays the actions, then lets the chain grow calmly, and compares what the consumer knows with the chain.
fn play(actions: Vec<Action>) -> Ledger {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    let mut ledger = Ledger::default();
    for action in actions {
        match action {
            Action::Chain(step) => chain.step(&step),
            Action::Poll { ambush, lag } => {
                chain.ambush(ambush);
                chain.lag(lag);
                match poll(&mut alarm) {
                    Ok(update) => ledger.apply(update),
                    Err(AlarmError::Unstable | AlarmError::Behind { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
                chain.ambush([]);
                chain.lag([]);
            }
            Action::Restart => {
                let stored = minicbor::to_vec(alarm.state()).unwrap();
                alarm = Alarm::new(&chain, config(), Some(minicbor::decode(&stored).unwrap()));
            }
            Action::LoseAPoll => {
                let stored = alarm.state().clone();
                let _ = poll(&mut alarm);
                alarm = Alarm::new(&chain, config(), Some(stored));
            }
            Action::Limit(range) => chain.limit(range),
        }
    }
    chain.mine(60, 1);
    // An endpoint that takes one block at a time needs more than one poll.
    for _ in 0..20 {
        let update = poll(&mut alarm).unwrap();
        let complete = update.complete;
        ledger.apply(update);
        if complete {
            break;
        }
    }
    ledger.assert_is(&chain);
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn shallow_reorgs_are_never_told(actions in prop::collection::vec(action(step, 4, 0), 1..40)) {
        prop_assert_eq!(play(actions).rollbacks, 0);
    }

    #[test]
    fn every_event_is_told_once_net_of_rollbacks(actions in prop::collection::vec(action(shrinking_step, 25, 0), 1..40)) {
        play(actions);
    }

    #[test]
    fn a_balanced_endpoint_with_lagging_nodes_loses_no_event(actions in prop::collection::vec(action(step, 4, 4), 1..40)) {
        prop_assert_eq!(play(actions).rollbacks, 0);
    }

    #[test]
    fn lag_and_deep_reorgs_together_end_right(actions in prop::collection::vec(action(shrinking_step, 25, 4), 1..40)) {
        play(actions);
    }
}

#[test]
fn an_event_is_pending_until_its_confirmations_are_there() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    chain.mine(1, 1);
    for confirmations in 1..CONFIRMATIONS {
        let update = poll(&mut alarm).unwrap();
        assert_eq!((update.confirmed.len(), update.pending.len()), (0, 1), "{confirmations}");
        chain.mine(1, 0);
    }
    let update = poll(&mut alarm).unwrap();
    assert_eq!((update.confirmed.len(), update.pending.len(), update.confirmed_to), (1, 0, 1));
    assert!(update.complete);
}

#[test]
fn an_unchanged_head_costs_one_request() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    chain.mine(8, 1);
    poll(&mut alarm).unwrap();
    chain.take_requests();
    let update = poll(&mut alarm).unwrap();
    assert_eq!(chain.take_requests(), ["eth_getBlockByNumber"]);
    assert_eq!(update.pending, chain.events(4, 8));
    assert_eq!((update.confirmed, update.rollback), (vec![], None));
    chain.mine(1, 0);
    poll(&mut alarm).unwrap();
    assert_eq!(chain.take_requests().len(), 6);
}

#[test]
fn a_deep_reorg_rolls_back_to_a_common_block() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    for _ in 0..30 {
        chain.mine(1, 1);
        poll(&mut alarm).unwrap();
    }
    chain.step(&Step::Reorg { depth: 12, blocks: vec![1; 13] });
    let update = poll(&mut alarm).unwrap();
    assert_eq!(update.rollback, Some(18));
    assert_eq!(update.confirmed, chain.events(18, 27));
    assert_eq!(update.pending, chain.events(27, 31));
}

#[test]
fn a_reorg_deeper_than_memory_reads_everything_again() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    for _ in 0..200 {
        chain.mine(1, 1);
        poll(&mut alarm).unwrap();
    }
    assert_eq!(alarm.state().marks.len(), MARKS);
    chain.step(&Step::Reorg { depth: 190, blocks: vec![1; 195] });
    let update = poll(&mut alarm).unwrap();
    assert_eq!(update.rollback, Some(0));
    assert_eq!(update.confirmed, chain.events(0, 201));
}

#[test]
fn an_endpoint_that_lags_causes_no_rollback() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    for _ in 0..20 {
        chain.mine(1, 1);
        poll(&mut alarm).unwrap();
    }
    for lag in 1..=20 {
        chain.lag([lag; 12]);
        match poll(&mut alarm) {
            Ok(update) => assert_eq!((update.rollback, update.confirmed), (None, vec![]), "{lag}"),
            Err(error) => assert!(matches!(error, AlarmError::Behind { .. }), "{lag}: {error:?}"),
        }
    }
    chain.lag([]);
    assert_eq!(poll(&mut alarm).unwrap().pending, chain.events(16, 20));
}

#[test]
fn a_confirmed_event_that_a_lagging_node_leaves_out_is_asked_for_again() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    chain.mine(10, 0);
    chain.mine(1, 1);
    assert_eq!(poll(&mut alarm).unwrap().pending.len(), 1);
    chain.mine(4, 0);
    // Only the fourth request, the one for logs, reaches a node that has not seen the event's block.
    chain.lag([0, 0, 0, 6]);
    let update = poll(&mut alarm).unwrap();
    assert_eq!(update.confirmed, chain.events(10, 11));
}

#[test]
fn a_small_range_is_found_and_a_long_chain_is_read_in_parts() {
    let chain = MiniChain::new();
    chain.mine(500, 1);
    chain.limit(3);
    let mut alarm = alarm(&chain);
    let mut ledger = Ledger::default();
    let mut polls = 0;
    loop {
        let update = poll(&mut alarm).unwrap();
        let complete = update.complete;
        ledger.apply(update);
        polls += 1;
        if complete {
            break;
        }
    }
    ledger.assert_is(&chain);
    assert!((3..10).contains(&polls), "{polls}");
}

#[test]
fn one_confirmation_confirms_the_head() {
    let chain = MiniChain::new();
    let mut alarm = Alarm::new(&chain, AlarmConfig { confirmations: 0, ..config() }, None);
    chain.mine(1, 2);
    let update = poll(&mut alarm).unwrap();
    assert_eq!((update.confirmed.len(), update.confirmed_to), (2, 1));
    chain.step(&Step::Reorg { depth: 1, blocks: vec![1] });
    let update = poll(&mut alarm).unwrap();
    assert_eq!((update.rollback, update.confirmed.len()), (Some(0), 1));
}

#[test]
fn a_wallet_on_another_chain_is_noticed_and_nothing_moves() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    chain.mine(9, 1);
    poll(&mut alarm).unwrap();
    let state = alarm.state().clone();
    chain.switch(1);
    chain.mine(1, 1);
    assert_eq!(poll(&mut alarm), Err(AlarmError::WrongChain { expected: CHAIN, actual: 1 }));
    assert_eq!(*alarm.state(), state);
    chain.switch(CHAIN);
    assert_eq!(poll(&mut alarm).unwrap().confirmed.len(), 1);
}

#[test]
fn an_error_of_the_endpoint_is_handed_on_and_nothing_moves() {
    let chain = MiniChain::new();
    let mut alarm = alarm(&chain);
    chain.mine(9, 1);
    poll(&mut alarm).unwrap();
    let state = alarm.state().clone();
    let failure = RpcError { code: 4900, message: "disconnected".into(), data: None };
    chain.fail(Some(failure));
    assert_eq!(poll(&mut alarm).unwrap_err().code(), "PROVIDER_DISCONNECTED");
    assert_eq!(*alarm.state(), state);
    chain.fail(None);
    assert!(poll(&mut alarm).is_ok());
}

#[test]
fn a_stored_state_skips_fields_of_a_later_version() {
    let mut later = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut later);
    encoder.map(3).unwrap().u8(0).unwrap().u64(9).unwrap().u8(1).unwrap().array(0).unwrap();
    encoder.u8(7).unwrap().str("later").unwrap();
    let state: AlarmState = minicbor::decode(&later).unwrap();
    assert_eq!(state, AlarmState { confirmed_to: 9, marks: vec![] });
}
