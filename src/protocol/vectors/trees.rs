//! Lock trees: what operations lead to which root, and what proves a lock.

use serde_json::{Value, json};

use super::sample::{self, lock, the_channel};
use super::signed::proof_statements;
use super::{check, hexed};
use crate::protocol::{Amount, BalanceProof, LockId, LockTree, Nonce};

/// Locks `.0` to below `.1` are inserted, or one is removed.
enum Change {
    Insert(LockId, LockId),
    Remove(LockId),
}
use Change::{Insert, Remove};

/// Name, history, and the locks that are proven.
type Case = (&'static str, Vec<Change>, Vec<LockId>);

fn cases() -> Vec<Case> {
    vec![
        ("empty", vec![], vec![]),
        ("one", vec![Insert(0, 1)], vec![0]),
        ("two", vec![Insert(0, 2)], vec![0, 1]),
        ("three", vec![Insert(0, 3)], vec![0, 1, 2]),
        ("five", vec![Insert(0, 5)], vec![0, 3, 4]),
        ("eight", vec![Insert(0, 8)], vec![0, 5, 7]),
        ("a lone child is promoted twice", vec![Insert(0, 8), Remove(5), Remove(6), Remove(7)], vec![0, 4]),
        (
            "one left of eight",
            vec![Insert(0, 8), Remove(0), Remove(1), Remove(2), Remove(3), Remove(5), Remove(6), Remove(7)],
            vec![4],
        ),
        (
            "the smallest free slot is taken again",
            vec![Insert(0, 8), Remove(6), Remove(1), Insert(8, 9)],
            vec![8, 0, 7],
        ),
        ("emptied", vec![Insert(0, 2), Remove(0), Remove(1)], vec![]),
        ("a thousand", vec![Insert(0, 1_000)], vec![0, 499, 999]),
        (
            "a thousand, some removed",
            vec![Insert(0, 1_000), Remove(998), Remove(0), Remove(512), Insert(1_000, 1_002)],
            vec![1, 513, 999, 1_000, 1_001],
        ),
    ]
}

fn tree_json((name, changes, proven): Case) -> Value {
    let mut tree = LockTree::default();
    let mut history = Vec::new();
    for change in changes {
        match change {
            Insert(from, to) => {
                (from..to).for_each(|id| tree.insert(lock(id)).unwrap());
                history.push(json!({ "insert": [from.to_string(), to.to_string()] }));
            }
            Remove(id) => {
                assert_eq!(tree.remove(id).unwrap(), lock(id));
                history.push(json!({ "remove": id.to_string() }));
            }
        }
    }
    let proven: Vec<Value> = proven
        .into_iter()
        .map(|id| {
            let lock = tree.get(id).unwrap();
            json!({
                "lockId": id.to_string(),
                "amount": lock.amount.to_string(),
                "expiry": lock.expiry.to_string(),
                "secret": hexed(sample::secret(id).0),
                "secretHash": hexed(lock.secret_hash.0),
                "leaf": hexed(lock.leaf()),
                "siblings": tree.proof(id).unwrap().into_iter().map(hexed).collect::<Vec<_>>(),
            })
        })
        .collect();
    let proof = BalanceProof {
        channel: the_channel().id(),
        sender: the_channel().a,
        nonce: Nonce::new(1).unwrap(),
        transferred: Amount::ZERO,
        locked: tree.total(),
        last_expiry: tree.last_expiry(),
        locks_root: tree.root(),
        context: Default::default(),
    };
    json!({
        "name": name,
        "history": history,
        "root": hexed(tree.root()),
        "locked": tree.total().to_string(),
        "lastExpiry": tree.last_expiry().to_string(),
        "proven": proven,
        "balanceProof": proof_statements(name, &proof)[0],
    })
}

#[test]
fn lock_trees_are_frozen() {
    check("trees", json!(cases().into_iter().map(tree_json).collect::<Vec<_>>()));
}
