//! Which connected session keys a wallet has: what clients announced, for as long as they are connected.

use std::collections::HashMap;

use chit_client::protocol::Address;
use chit_client::transport::relay_protocol::{DirectoryEntry, MAX_ENTRIES};

/// The most announcements of one connection: a client of several Judges or chains makes one for each.
pub(crate) const MAX_ANNOUNCEMENTS: usize = 16;

/// A wallet at a Judge on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) chain_id: u64,
    pub(crate) judge: Address,
    pub(crate) wallet: Address,
}

#[derive(Debug)]
struct Announced {
    connection: u64,
    entry: DirectoryEntry,
}

/// A connection announced more places than [`MAX_ANNOUNCEMENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The announcements of all connections. Grants are verified before they come here.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    places: HashMap<Place, Vec<Announced>>,
    connections: HashMap<u64, Vec<Place>>,
}

impl Directory {
    /// Adds an entry, or replaces the same key's. Beyond [`MAX_ENTRIES`] the wallet's oldest entry goes.
    pub(crate) fn announce(&mut self, connection: u64, place: Place, entry: DirectoryEntry) -> Result<(), TooMany> {
        let own = self.connections.entry(connection).or_default();
        if !own.contains(&place) {
            if own.len() >= MAX_ANNOUNCEMENTS {
                return Err(TooMany);
            }
            own.push(place);
        }
        let here = self.places.entry(place).or_default();
        here.retain(|announced| announced.entry.key != entry.key);
        if here.len() >= MAX_ENTRIES {
            here.remove(0);
        }
        here.push(Announced { connection, entry });
        Ok(())
    }

    /// Removes everything that a connection announced.
    pub(crate) fn forget(&mut self, connection: u64) {
        for place in self.connections.remove(&connection).unwrap_or_default() {
            if let Some(here) = self.places.get_mut(&place) {
                here.retain(|announced| announced.connection != connection);
                if here.is_empty() {
                    self.places.remove(&place);
                }
            }
        }
    }

    /// A wallet's entries, newest first.
    pub(crate) fn lookup(&self, place: &Place) -> Vec<DirectoryEntry> {
        self.places
            .get(place)
            .map(|here| here.iter().rev().map(|announced| announced.entry).collect())
            .unwrap_or_default()
    }

    /// How many wallets are announced.
    pub(crate) fn wallets(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chit_client::protocol::{Grant, PublicKey, Signature};

    fn place(wallet: u8) -> Place {
        Place { chain_id: 1, judge: Address::repeat_byte(7), wallet: Address::repeat_byte(wallet) }
    }

    fn entry(key: u8) -> DirectoryEntry {
        let grant = Grant {
            wallet: Address::ZERO,
            session_key: Address::ZERO,
            valid_until: u64::from(key),
            signature: Signature([0; 65]),
        };
        DirectoryEntry { key: PublicKey([key; 33]), grant }
    }

    #[test]
    fn entries_live_as_long_as_their_connection() {
        let mut directory = Directory::default();
        directory.announce(1, place(1), entry(1)).unwrap();
        directory.announce(2, place(1), entry(2)).unwrap();
        directory.announce(2, place(2), entry(2)).unwrap();
        assert_eq!(directory.lookup(&place(1)), [entry(2), entry(1)]);
        assert_eq!(directory.lookup(&Place { chain_id: 2, ..place(1) }), []);
        directory.forget(2);
        assert_eq!(directory.lookup(&place(1)), [entry(1)]);
        assert_eq!(directory.lookup(&place(2)), []);
        directory.forget(1);
        assert_eq!((directory.wallets(), directory.connections.len()), (0, 0));
    }

    #[test]
    fn a_key_has_one_entry_and_its_old_connection_cannot_take_it_along() {
        let mut directory = Directory::default();
        directory.announce(1, place(1), entry(1)).unwrap();
        directory.announce(2, place(1), entry(1)).unwrap();
        directory.forget(1);
        assert_eq!(directory.lookup(&place(1)), [entry(1)]);
    }

    #[test]
    fn everything_is_bounded() {
        let mut directory = Directory::default();
        for key in 0..20 {
            directory.announce(u64::from(key), place(1), entry(key)).unwrap();
        }
        let found = directory.lookup(&place(1));
        assert_eq!((found.len(), found.first()), (MAX_ENTRIES, Some(&entry(19))));
        for wallet in 0..MAX_ANNOUNCEMENTS as u8 {
            directory.announce(99, place(wallet), entry(99)).unwrap();
        }
        assert_eq!(directory.announce(99, place(200), entry(99)), Err(TooMany));
        assert_eq!(directory.announce(99, place(0), entry(99)), Ok(()));
        assert_eq!(directory.lookup(&place(200)), []);
    }
}
