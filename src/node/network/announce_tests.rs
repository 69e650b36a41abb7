//! Tests of what is announced and when.

use super::*;
use crate::engine::SideView;
use crate::protocol::ChannelKey;

const NOW: Timestamp = 1_000_000;
const FEE: FeeSchedule = FeeSchedule { flat: Amount::new(2), proportional: 1_000 };

fn wallet(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn channel(partner: u8, capacity: u128) -> ChannelView {
    let key = ChannelKey::new(Address::repeat_byte(partner / 2), wallet(1), wallet(partner), 0).unwrap();
    let side = SideView { deposited: Amount::new(800), ..SideView::default() };
    ChannelView {
        id: key.id(),
        key,
        partner: wallet(partner),
        status: Status::Open,
        confirmations: 5,
        required: 5,
        partner_online: true,
        ready: true,
        ours: side,
        theirs: side,
        capacity: Amount::new(capacity),
        pending_payments: 0,
        challenge_end: None,
        closer: None,
        action: None,
        paid: Amount::ZERO,
        error: None,
    }
}

fn announcer(fee: Option<FeeSchedule>) -> Announcer {
    Announcer::new(wallet(1), fee)
}

/// Announces what is due.
fn announce(announcer: &Announcer, channels: &[ChannelView], now: Timestamp) -> Option<AnnouncementBody> {
    let body = announcer.due(channels, now)?;
    announcer.announced(body.clone(), now);
    Some(body)
}

#[test]
fn capacities_are_told_in_sixteenths() {
    // Of 1,600 that is 100.
    for (capacity, told) in [(0, 0), (99, 0), (100, 100), (799, 700), (1_600, 1_600)] {
        assert_eq!(hint(&channel(4, capacity)), Amount::new(told), "{capacity}");
    }
    let away = ChannelView { ready: false, ..channel(4, 800) };
    assert_eq!(hint(&away), Amount::ZERO);
    let mut tiny = channel(4, 1);
    (tiny.ours.deposited, tiny.theirs.deposited) = (Amount::new(1), Amount::ZERO);
    assert_eq!(hint(&tiny), Amount::new(1));
    let mut huge = channel(4, u128::MAX);
    (huge.ours.deposited, huge.theirs.deposited) = (Amount::MAX, Amount::MAX);
    assert!(hint(&huge) > Amount::new(u128::MAX / 2));
}

#[test]
fn what_is_announced_has_its_form() {
    let channels: Vec<_> = (2..200).map(|partner| channel(partner, u128::from(partner) * 8)).collect();
    let body = announcer(Some(FEE)).due(&channels, NOW).unwrap();
    assert!(
        body.channels.is_sorted_by(|a, b| a.channel < b.channel) && body.fees.is_sorted_by(|a, b| a.token < b.token)
    );
    assert_eq!((body.channels.len(), body.fees.len()), (MAX_ANNOUNCED_CHANNELS, MAX_ANNOUNCED_TOKENS));
    // Those that hold the least are left out.
    assert!(!body.channels.iter().any(|hint| hint.channel == channels[0].id));
    assert!(body.channels.iter().any(|hint| hint.channel == channels[197].id));
    let silent = announcer(None).due(&channels, NOW).unwrap();
    assert!(silent.reachable && silent.fees.is_empty() && silent.channels.is_empty());
}

#[test]
fn nothing_is_announced_without_an_open_channel() {
    let closing = ChannelView { status: Status::Closing, ..channel(4, 800) };
    assert_eq!(announcer(Some(FEE)).due(&[], NOW), None);
    assert_eq!(announcer(Some(FEE)).due(&[closing], NOW), None);
}

#[test]
fn it_is_repeated_at_half_its_life_or_when_much_has_changed() {
    let announcer = announcer(Some(FEE));
    let first = announce(&announcer, &[channel(4, 800)], NOW).unwrap();
    assert_eq!((first.issued, first.expiry), (NOW, NOW + LIFE));
    assert_eq!(announce(&announcer, &[channel(4, 800)], NOW + LIFE / 2 - 1), None);
    // One step is little, two are much.
    assert_eq!(announce(&announcer, &[channel(4, 700)], NOW + 20), None);
    assert!(announce(&announcer, &[channel(4, 600)], NOW + 20).is_some());
    // Not before the pause is over.
    assert_eq!(announce(&announcer, &[channel(4, 0)], NOW + 20 + PAUSE - 1), None);
    assert!(announce(&announcer, &[channel(4, 0)], NOW + 20 + PAUSE).is_some());
    // Nothing or something is much.
    assert!(announce(&announcer, &[channel(4, 100)], NOW + 40).is_some());
    assert!(announce(&announcer, &[channel(4, 100), channel(6, 100)], NOW + 60).is_some());
    assert!(announce(&announcer, &[channel(4, 100), channel(6, 100)], NOW + 60 + LIFE / 2).is_some());
}

#[test]
fn what_the_relay_did_not_take_is_said_again_as_newer() {
    let announcer = announcer(None);
    let channels = [channel(4, 800)];
    let first = announce(&announcer, &channels, NOW).unwrap();
    announcer.refused();
    assert_eq!(announce(&announcer, &channels, NOW), None);
    let second = announce(&announcer, &channels, NOW + PAUSE).unwrap();
    assert!(second.issued > first.issued);
    assert_eq!(announce(&announcer, &channels, NOW + 2 * PAUSE), None);
    // A clock that was set back stops nothing for longer than a pause, and numbers still rise.
    announcer.refused();
    let third = announce(&announcer, &channels, NOW - 1_000).unwrap();
    assert_eq!(third.issued, second.issued + 1);
}

#[test]
fn a_farewell_is_newer_and_lasts_as_long_as_what_it_takes_back() {
    let announcer = announcer(Some(FEE));
    assert_eq!(announcer.farewell(NOW), None);
    let body = announce(&announcer, &[channel(4, 800)], NOW).unwrap();
    let farewell = announcer.farewell(NOW).unwrap();
    assert!(!farewell.reachable && farewell.fees.is_empty() && farewell.channels.is_empty());
    assert_eq!((farewell.issued, farewell.expiry), (body.issued + 1, body.expiry));
    assert_eq!(announcer.farewell(NOW + LIFE), None);
}
