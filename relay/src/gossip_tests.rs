//! Tests of the book: what is newest, what has ended, and what is too much.

use super::*;
use chit_client::protocol::SessionKey;

const HERE: Place = (1, Address::repeat_byte(7));
const NOW: Timestamp = 1_000;

fn key(signer: u8) -> PublicKey {
    SessionKey::from_bytes(&[signer; 32]).unwrap().public_key()
}

/// What a signer announces; the book itself looks at no signature.
fn says(signer: u8, issued: Timestamp, words: u8) -> Publication {
    Publication { place: HERE, signer: key(signer), issued, ends: issued + 600, bytes: vec![words; 100] }
}

/// The first bytes of what a follower of `place` reads after a number, and where it stands then.
fn read(book: &mut Book, place: Place, after: u64, now: Timestamp) -> (Vec<u8>, u64, bool) {
    let chapter = book.chapter(place, after, now);
    let ServerMessage::Gossip { chain_id, judge, announcements, more } = chapter.message else { panic!("gossip") };
    assert_eq!(((chain_id, judge), chapter.count, chapter.more), (place, announcements.len(), more));
    (announcements.iter().map(|bytes| bytes[0]).collect(), chapter.until, more)
}

#[test]
fn a_follower_reads_the_book_and_then_its_changes() {
    let mut book = Book::new(10, 10_000);
    assert_eq!(book.publish(1, says(1, NOW, 11), NOW), Ok(Some(1)));
    assert_eq!(book.publish(2, says(2, NOW, 22), NOW), Ok(Some(2)));
    assert_eq!(read(&mut book, HERE, 0, NOW), (vec![11, 22], 2, false));
    assert_eq!(book.publish(1, says(1, NOW + 1, 12), NOW), Ok(Some(3)));
    assert_eq!(read(&mut book, HERE, 2, NOW), (vec![12], 3, false));
    // One who comes now never hears of the older.
    assert_eq!(read(&mut book, HERE, 0, NOW), (vec![22, 12], 3, false));
    let elsewhere = (2, HERE.1);
    let there = Publication { place: elsewhere, ..says(1, NOW, 99) };
    assert_eq!(book.publish(1, there, NOW), Ok(Some(4)));
    assert_eq!(read(&mut book, HERE, 3, NOW), (vec![], 4, false));
    assert_eq!(read(&mut book, elsewhere, 0, NOW), (vec![99], 4, false));
}

#[test]
fn only_what_is_newer_counts_and_a_repetition_is_no_news() {
    let mut book = Book::new(10, 10_000);
    book.publish(1, says(1, NOW, 11), NOW).unwrap();
    assert_eq!(book.publish(1, says(1, NOW, 12), NOW), Err(ErrorCode::StaleAnnouncement));
    assert_eq!(book.publish(1, says(1, NOW - 1, 13), NOW), Err(ErrorCode::StaleAnnouncement));
    assert_eq!(book.publish(2, says(1, NOW, 11), NOW), Ok(None));
    assert_eq!(read(&mut book, HERE, 0, NOW), (vec![11], 1, false));
}

#[test]
fn what_has_ended_is_gone() {
    let mut book = Book::new(10, 10_000);
    book.publish(1, says(1, NOW, 11), NOW).unwrap();
    book.publish(1, says(2, NOW + 1, 22), NOW).unwrap();
    assert_eq!(read(&mut book, HERE, 0, NOW + 599).0, [11, 22]);
    assert_eq!(read(&mut book, HERE, 0, NOW + 600).0, [22]);
    assert_eq!(read(&mut book, HERE, 0, NOW + 601).0, [] as [u8; 0]);
    assert_eq!(book.size(), (0, 0));
    assert!(book.places.is_empty() && book.signers.is_empty() && book.ends.is_empty() && book.connections.is_empty());
    // It may be said again then.
    assert_eq!(book.publish(1, says(1, NOW + 601, 11), NOW + 601), Ok(Some(3)));
}

#[test]
fn a_full_book_forgets_those_who_left_and_only_those() {
    for (entries, bytes) in [(2, 10_000), (10, 250)] {
        let mut book = Book::new(entries, bytes);
        book.publish(1, says(1, NOW, 11), NOW).unwrap();
        book.publish(2, says(2, NOW, 22), NOW).unwrap();
        assert_eq!(book.publish(3, says(3, NOW, 33), NOW), Err(ErrorCode::GossipFull));
        // Its own place is always a signer's.
        assert_eq!(book.publish(1, says(1, NOW + 1, 12), NOW), Ok(Some(3)));
        book.leave(1);
        book.leave(2);
        // The second comes back and says the same again.
        assert_eq!(book.publish(4, says(2, NOW, 22), NOW), Ok(None));
        assert_eq!(book.publish(3, says(3, NOW, 33), NOW), Ok(Some(4)));
        assert_eq!(read(&mut book, HERE, 0, NOW).0, [22, 33]);
        assert_eq!(book.size(), (2, 200));
        book.leave(4);
        assert_eq!(book.publish(5, says(5, NOW, 55), NOW), Ok(Some(5)));
        assert_eq!(read(&mut book, HERE, 0, NOW).0, [33, 55]);
    }
}

#[test]
fn one_connection_announces_at_few_places() {
    let mut book = Book::new(100, 100_000);
    for chain in 0..MAX_PLACES as u64 {
        let there = Publication { place: (chain, HERE.1), ..says(1, NOW, 1) };
        assert!(book.publish(1, there, NOW).is_ok());
    }
    let more = Publication { place: (99, HERE.1), ..says(1, NOW, 1) };
    assert_eq!(book.publish(1, more, NOW), Err(ErrorCode::TooManyAnnouncements));
    let again = Publication { place: (0, HERE.1), ..says(1, NOW + 1, 1) };
    assert!(book.publish(1, again, NOW).is_ok());
}

#[test]
fn a_long_book_is_sent_in_messages_that_fit() {
    let mut book = Book::new(1_000, 10_000_000);
    for signer in 1..=200 {
        let publication = Publication { bytes: vec![signer; 1_000], ..says(signer, NOW, 0) };
        book.publish(u64::from(signer), publication, NOW).unwrap();
    }
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let chapter = book.chapter(HERE, after, NOW);
        let bytes = chapter.message.to_bytes();
        assert_eq!(ServerMessage::from_bytes(&bytes).as_ref(), Ok(&chapter.message));
        let (part, until, more) = read(&mut book, HERE, after, NOW);
        assert!(until > after && !part.is_empty());
        found.extend(part);
        after = until;
        if !more {
            break;
        }
    }
    assert_eq!(found, (1..=200).collect::<Vec<u8>>());
    assert_eq!(after, 200);
}
