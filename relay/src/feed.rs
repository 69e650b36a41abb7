//! What one follower is sent of the book, whenever there is news for it.

use axum::body::Bytes;
use tokio::sync::watch;

use crate::gossip::Place;
use crate::state::State;

/// A client's reading of the book: which place it follows, and how far it has come.
pub(crate) struct Feed<'a> {
    state: &'a State,
    following: watch::Receiver<Option<Place>>,
    news: watch::Receiver<u64>,
    place: Option<Place>,
    read: u64,
    /// True once it was told that this was all: from then on nothing is said without news.
    caught_up: bool,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(state: &'a State, following: watch::Receiver<Option<Place>>) -> Self {
        Self { state, following, news: state.news(), place: None, read: 0, caught_up: false }
    }

    /// The client asked for the book: it gets all of it, also if it had it before.
    fn begin(&mut self) {
        (self.place, self.read, self.caught_up) = (*self.following.borrow_and_update(), 0, false);
    }

    /// Waits for the next message. Losing this future loses nothing.
    pub(crate) async fn next(&mut self) -> Bytes {
        loop {
            if self.following.has_changed().unwrap_or_default() {
                self.begin();
            }
            let newest = *self.news.borrow_and_update();
            if let Some(place) = self.place
                && (!self.caught_up || newest > self.read)
            {
                let chapter = self.state.chapter(place, self.read);
                self.read = chapter.until;
                if chapter.count > 0 || !self.caught_up {
                    self.caught_up |= !chapter.more;
                    return chapter.message.to_bytes().into();
                }
                continue;
            }
            let changed = tokio::select! {
                changed = self.following.changed() => {
                    self.begin();
                    changed
                }
                changed = self.news.changed() => changed,
            };
            if changed.is_err() {
                // Whoever tells is gone, and so is the connection.
                std::future::pending::<()>().await;
            }
        }
    }
}
