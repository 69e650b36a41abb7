//! The EIP-712 structs that peers and wallets sign, and the domain that binds them to one Judge on one chain.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::{Eip712Domain, SolStruct};

/// The signed structs exactly as the Judge declares them; each is its own primary type, so no signature of
/// one can be used as another.
#[allow(missing_docs, reason = "the fields are documented where the Judge declares them")]
pub mod sol_types {
    alloy::sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct ChannelKey { address token; address a; address b; uint64 salt; }

        #[derive(Debug, PartialEq, Eq)]
        struct BalanceProof {
            bytes32 channelId; address sender; uint48 nonce; uint128 transferred; uint128 locked;
            uint48 lastExpiry; bytes32 locksRoot; bytes32 context;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct AcceptProof { bytes32 proofHash; }

        #[derive(Debug, PartialEq, Eq)]
        struct CloseChannel { bytes32 channelId; address closer; uint64 deadline; }

        #[derive(Debug, PartialEq, Eq)]
        struct CooperativeClose { bytes32 channelId; uint128 balanceA; uint128 balanceB; uint64 deadline; }

        #[derive(Debug, PartialEq, Eq)]
        struct CooperativeWithdraw { bytes32 channelId; address wallet; uint128 totalWithdrawn; uint64 deadline; }

        #[derive(Debug, PartialEq, Eq)]
        struct Delegate { address wallet; address sessionKey; uint64 validUntil; }

        #[derive(Debug, PartialEq, Eq)]
        struct Lock { uint64 lockId; uint128 amount; uint48 expiry; bytes32 secretHash; }

        #[derive(Debug, PartialEq, Eq)]
        struct AnnouncedFee { address token; uint128 flat; uint32 proportional; }

        #[derive(Debug, PartialEq, Eq)]
        struct AnnouncedChannel { bytes32 channelId; uint128 capacity; }

        #[derive(Debug, PartialEq, Eq)]
        struct Announcement {
            address wallet; bool reachable; uint64 issued; uint64 expiry;
            AnnouncedFee[] fees; AnnouncedChannel[] channels;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct RouteHint {
            bytes32 channelId; address from; address to; uint128 flat; uint32 proportional; uint128 capacity;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct PaymentRequest {
            bytes16 reference; address payee; address sessionKey; address token; uint128 amount; uint64 issued;
            uint64 expiry; string memo; string relay; RouteHint[] hints;
        }

        #[derive(Debug, PartialEq, Eq)]
        struct Receipt {
            bytes32 request; bytes16 payment; address payer; address payee; address token; uint128 amount; uint64 at;
        }
    }
}

/// One Judge on one chain. Signatures made for another chain or contract do not verify here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    chain_id: u64,
    judge: Address,
    pub(super) separator: B256,
    /// The type hash of balance proofs, of which every payment hashes two.
    proof_type: B256,
}

impl Domain {
    /// The domain of the Judge at `judge` on chain `chain_id`.
    pub fn new(chain_id: u64, judge: Address) -> Self {
        let domain =
            Eip712Domain::new(Some("Judge".into()), Some("1".into()), Some(U256::from(chain_id)), Some(judge), None);
        let proof_type = keccak256(sol_types::BalanceProof::eip712_encode_type().as_bytes());
        Self { chain_id, judge, separator: domain.separator(), proof_type }
    }

    /// The chain's id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The Judge's address.
    pub const fn judge(&self) -> Address {
        self.judge
    }

    /// The digest that is signed for `message` in this domain.
    pub fn digest<T: SolStruct>(&self, message: &T) -> B256 {
        self.bind(hash_struct(message))
    }

    /// The digest that is signed for a balance proof.
    pub(crate) fn proof_digest(&self, proof: &sol_types::BalanceProof) -> B256 {
        self.bind(hash_typed(self.proof_type, proof))
    }

    fn bind(&self, hash: B256) -> B256 {
        let mut preimage = [0_u8; 66];
        preimage[0] = 0x19;
        preimage[1] = 0x01;
        preimage[2..34].copy_from_slice(self.separator.as_slice());
        preimage[34..].copy_from_slice(hash.as_slice());
        keccak256(preimage)
    }
}

/// The hash of a struct and its type.
pub(crate) fn hash_struct<T: SolStruct>(message: &T) -> B256 {
    hash_typed(message.eip712_type_hash(), message)
}

/// Hashes in one call, whose code is alloy's: the parts of an incremental hasher are compiled into this crate, for size, and are
/// five times as slow.
fn hash_typed<T: SolStruct>(type_hash: B256, message: &T) -> B256 {
    keccak256([type_hash.as_slice(), &message.eip712_encode_data()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::aliases::U48;

    #[test]
    fn a_struct_hashes_as_alloy_hashes_it() {
        let message = sol_types::AcceptProof { proofHash: keccak256(b"a proof") };
        assert_eq!(hash_struct(&message), message.eip712_hash_struct());
        let proof = sol_types::BalanceProof {
            channelId: keccak256(b"a channel"),
            sender: Address::repeat_byte(1),
            nonce: U48::from(2),
            transferred: 3,
            locked: 4,
            lastExpiry: U48::from(5),
            locksRoot: keccak256(b"locks"),
            context: keccak256(b"operations"),
        };
        let domain = Domain::new(6, Address::repeat_byte(7));
        assert_eq!(domain.proof_digest(&proof), domain.digest(&proof));
    }
}
