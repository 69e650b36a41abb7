//! Interfaces of the contracts, written by hand from the specification and checked against the artifacts by a test; and the
//! artifacts' bytecode.
#![allow(missing_docs, clippy::too_many_arguments)]

use alloy::{primitives::Bytes, sol};

/// Artifact texts, as committed.
pub const JUDGE_JSON: &str = include_str!("../../../contracts/artifacts/Judge.json");
pub const SECRET_REGISTRY_JSON: &str = include_str!("../../../contracts/artifacts/SecretRegistry.json");
pub const ENDPOINT_REGISTRY_JSON: &str = include_str!("../../../contracts/artifacts/EndpointRegistry.json");
pub const TEST_TOKEN_JSON: &str = include_str!("../../../contracts/artifacts/TestToken.json");
pub const WEIRD_TOKEN_JSON: &str = include_str!("../../../contracts/artifacts/test/WeirdToken.json");
pub const CONTRACT_WALLET_JSON: &str = include_str!("../../../contracts/artifacts/test/ContractWallet.json");
pub const PAYOUT_HARNESS_JSON: &str = include_str!("../../../contracts/artifacts/test/PayoutHarness.json");

/// Creation bytecode of an artifact.
pub fn bytecode(artifact: &str) -> Bytes {
    let json: serde_json::Value = serde_json::from_str(artifact).expect("an artifact is JSON");
    json["bytecode"].as_str().expect("an artifact has bytecode").parse().expect("bytecode is hex")
}

sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct ChannelKey { address token; address a; address b; uint64 salt; }
    #[derive(Debug, PartialEq, Eq)]
    struct SignedProof {
        uint48 nonce; uint128 transferred; uint128 locked; uint48 lastExpiry; bytes32 locksRoot; bytes32 context;
        bytes signature; bytes acceptance;
    }
    #[derive(Debug, PartialEq, Eq)]
    struct Lock { uint64 lockId; uint128 amount; uint48 expiry; bytes32 secretHash; }
    #[derive(Debug, PartialEq, Eq)]
    struct Permit { uint256 value; uint256 deadline; uint8 v; bytes32 r; bytes32 s; }
    #[derive(Debug, PartialEq, Eq)]
    struct SideView {
        uint128 deposited; uint128 withdrawn; uint48 nonce; uint128 transferred; uint128 locked; uint48 lastExpiry;
        bytes32 locksRoot; uint128 claimed; uint128 paid; bool isFinal;
    }
    #[derive(Debug, PartialEq, Eq)]
    struct ChannelView { uint8 status; uint48 closedAt; uint48 challengeEnd; SideView a; SideView b; }

    #[derive(Debug, PartialEq, Eq)]
    contract Judge {
        constructor(address registry, uint48 challenge);
        function open(ChannelKey key, uint128 amount, address sessionKey, uint64 validUntil) external payable returns (bytes32 id);
        function openWithPermit(ChannelKey key, uint128 amount, address sessionKey, uint64 validUntil, Permit permit) external returns (bytes32 id);
        function deposit(ChannelKey key, uint128 amount) external payable;
        function depositWithPermit(ChannelKey key, uint128 amount, Permit permit) external;
        function delegate(address sessionKey, uint64 validUntil) external;
        function delegateFor(address wallet, address sessionKey, uint64 validUntil, bytes signature) external;
        function revoke(address sessionKey) external;
        function close(ChannelKey key, SignedProof proof) external;
        function closeFor(ChannelKey key, address closer, uint64 deadline, bytes closerSignature, SignedProof proof) external;
        function update(ChannelKey key, address sender, SignedProof proof) external;
        function unlock(ChannelKey key, address sender, Lock[] locks, bytes32[][] proofs) external;
        function settle(ChannelKey key) external;
        function finalize(ChannelKey key, address sender) external;
        function cooperativeClose(ChannelKey key, uint128 balanceA, uint128 balanceB, uint64 deadline, bytes signatureA, bytes signatureB) external;
        function cooperativeWithdraw(ChannelKey key, address wallet, uint128 totalWithdrawn, uint64 deadline, bytes signatureA, bytes signatureB) external;
        function claimCredit(address token, address wallet) external;
        function multicall(bytes[] data) external returns (bytes[] results);
        function channel(ChannelKey key) external view returns (ChannelView view_);
        function session(address wallet, address key) external view returns (uint64 validUntil, uint64 revokedFrom);
        function credit(address token, address wallet) external view returns (uint256);
        function CHALLENGE() external view returns (uint48);
        function REGISTRY() external view returns (address);
        function channelId(ChannelKey key) external pure returns (bytes32);
        function eip712Domain() external view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions);

        event ChannelOpened(bytes32 indexed id, address indexed a, address indexed b, address token, uint64 salt);
        event Deposited(bytes32 indexed id, address indexed wallet, uint128 total);
        event Withdrawn(bytes32 indexed id, address indexed wallet, uint128 total);
        event ChannelClosing(bytes32 indexed id, address indexed closer, uint48 challengeEnd);
        event ProofAccepted(bytes32 indexed id, address indexed sender, uint48 nonce, uint128 transferred, uint128 locked, bytes32 locksRoot);
        event LockClaimed(bytes32 indexed id, address indexed sender, uint64 lockId, uint128 amount);
        event Paid(bytes32 indexed id, address indexed wallet, uint128 amount, bool credited);
        event ChannelDone(bytes32 indexed id, bool cooperative);
        event SessionKeySet(address indexed wallet, address indexed sessionKey, uint64 validUntil, uint64 revokedFrom);

        error BadAmount();
        error BadKey();
        error NotParticipant();
        error ChannelExists();
        error NotOpen();
        error NotClosing();
        error ChallengeOver();
        error InChallenge();
        error StaleNonce(uint48 have, uint48 got);
        error BadSignature(address expected);
        error DeadlineExpired();
        error Conservation();
        error BadLock(uint64 lockId);
        error AlreadyClaimed(uint64 lockId);
        error SecretNotRevealed(bytes32 secretHash);
        error TooEarly();
        error NothingToDo();
        error TokenTransfer();
        error LowGas();
        error BadSession();
        error ReentrancyGuardReentrantCall();
        error SafeERC20FailedOperation(address token);
    }

    #[derive(Debug, PartialEq, Eq)]
    contract SecretRegistry {
        function registerSecret(bytes32 secret) external;
        function registerSecrets(bytes32[] secrets) external;
        function revealedAt(bytes32 secretHash) external view returns (uint48);
        event SecretRevealed(bytes32 indexed secretHash, bytes32 secret);
    }

    #[derive(Debug, PartialEq, Eq)]
    contract EndpointRegistry {
        function setEndpoint(bytes endpoint) external;
        event EndpointSet(address indexed wallet, bytes endpoint);
    }

    #[derive(Debug, PartialEq, Eq)]
    contract Token {
        function mint(address to, uint256 amount) external;
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address wallet) external view returns (uint256);
        function allowance(address wallet, address spender) external view returns (uint256);
        function nonces(address wallet) external view returns (uint256);
        function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        function setFault(uint8 fault, address victim) external;
        function setHunger(uint256 hunger) external;
        function setReentry(address target, bytes data) external;
        function reentered() external view returns (bool);
        function answer() external view returns (bytes);
    }

    #[derive(Debug, PartialEq, Eq)]
    contract ContractWallet {
        function setOwner(address owner) external;
        function setMood(uint8 mood) external;
        function setHunger(uint256 hunger) external;
        function setReentry(address target, bytes data) external;
        function reentered() external view returns (bool);
        function answer() external view returns (bytes);
        function run(address to, uint256 value, bytes input) external payable returns (bytes);
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Figures { uint128 deposited; uint128 withdrawn; uint128 transferred; uint128 locked; uint128 claimed; bool isFinal; }

    #[derive(Debug, PartialEq, Eq)]
    contract PayoutHarness {
        function owed(Figures[] a, Figures[] b) external pure returns (uint256[] owedA, uint256[] owedB);
    }
}
