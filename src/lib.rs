//! Chit: a payment-channel light client that lives in a browser tab.
