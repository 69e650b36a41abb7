//! The contracts' interfaces as the chain sees them: the Judge, and what is used of an ERC-20 token.
//!
//! Field meanings and units are documented where the contracts declare them.

#![allow(missing_docs, reason = "documented in the Solidity sources, whose signatures these repeat")]

alloy::sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface Judge {
        struct ChannelKey { address token; address a; address b; uint64 salt; }
        struct SignedProof {
            uint48 nonce; uint128 transferred; uint128 locked; uint48 lastExpiry; bytes32 locksRoot; bytes32 context;
            bytes signature; bytes acceptance;
        }
        struct Lock { uint64 lockId; uint128 amount; uint48 expiry; bytes32 secretHash; }
        struct Permit { uint256 value; uint256 deadline; uint8 v; bytes32 r; bytes32 s; }
        struct SideView {
            uint128 deposited; uint128 withdrawn; uint48 nonce; uint128 transferred; uint128 locked; uint48 lastExpiry;
            bytes32 locksRoot; uint128 claimed; uint128 paid; bool isFinal;
        }
        struct ChannelView { uint8 status; uint48 closedAt; uint48 challengeEnd; SideView a; SideView b; }

        function open(ChannelKey key, uint128 amount, address sessionKey, uint64 validUntil) external payable
            returns (bytes32);
        function openWithPermit(
            ChannelKey key, uint128 amount, address sessionKey, uint64 validUntil, Permit permit
        ) external returns (bytes32);
        function deposit(ChannelKey key, uint128 amount) external payable;
        function depositWithPermit(ChannelKey key, uint128 amount, Permit permit) external;
        function delegate(address sessionKey, uint64 validUntil) external;
        function delegateFor(address wallet, address sessionKey, uint64 validUntil, bytes signature) external;
        function revoke(address sessionKey) external;
        function close(ChannelKey key, SignedProof proof) external;
        function closeFor(
            ChannelKey key, address closer, uint64 deadline, bytes closerSignature, SignedProof proof
        ) external;
        function update(ChannelKey key, address sender, SignedProof proof) external;
        function unlock(ChannelKey key, address sender, Lock[] locks, bytes32[][] proofs) external;
        function settle(ChannelKey key) external;
        function finalize(ChannelKey key, address sender) external;
        function cooperativeClose(
            ChannelKey key, uint128 balanceA, uint128 balanceB, uint64 deadline, bytes signatureA, bytes signatureB
        ) external;
        function cooperativeWithdraw(
            ChannelKey key, address wallet, uint128 totalWithdrawn, uint64 deadline, bytes signatureA, bytes signatureB
        ) external;
        function claimCredit(address token, address wallet) external;
        function multicall(bytes[] data) external returns (bytes[] results);

        function channel(ChannelKey key) external view returns (ChannelView);
        function session(address wallet, address key) external view returns (uint64 validUntil, uint64 revokedFrom);
        function credit(address token, address wallet) external view returns (uint256);
        function CHALLENGE() external view returns (uint48);
        function REGISTRY() external view returns (address);

        event ChannelOpened(bytes32 indexed id, address indexed a, address indexed b, address token, uint64 salt);
        event Deposited(bytes32 indexed id, address indexed wallet, uint128 total);
        event Withdrawn(bytes32 indexed id, address indexed wallet, uint128 total);
        event ChannelClosing(bytes32 indexed id, address indexed closer, uint48 challengeEnd);
        event ProofAccepted(
            bytes32 indexed id, address indexed sender, uint48 nonce, uint128 transferred, uint128 locked,
            bytes32 locksRoot
        );
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
        error AddressEmptyCode(address target);
        error FailedCall();
        error ReentrancyGuardReentrantCall();
        error SafeERC20FailedOperation(address token);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface SecretRegistry {
        function registerSecrets(bytes32[] secrets) external;
        function revealedAt(bytes32 secretHash) external view returns (uint48);

        event SecretRevealed(bytes32 indexed secretHash, bytes32 secret);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Token {
        function name() external view returns (string);
        function symbol() external view returns (string);
        function decimals() external view returns (uint8);
        function version() external view returns (string);
        function balanceOf(address owner) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function nonces(address owner) external view returns (uint256);
        function permit(
            address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s
        ) external;
        function PERMIT_TYPEHASH() external view returns (bytes32);
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        function eip712Domain() external view returns (
            bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt,
            uint256[] extensions
        );

        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InvalidApprover(address approver);
        error ERC20InvalidReceiver(address receiver);
        error ERC20InvalidSender(address sender);
        error ERC20InvalidSpender(address spender);
        error ERC2612ExpiredSignature(uint256 deadline);
        error ERC2612InvalidSigner(address signer, address owner);
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "bindings_tests.rs"]
mod tests;
