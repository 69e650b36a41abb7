//! Chance from a seed, for tests that need more of it than a property-testing library gives in time.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn wide(&mut self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.word() & 1 == 1
    }

    /// Less than `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    /// Everyday amounts, any amount, and the edges of the type.
    pub(crate) fn amount(&mut self) -> u128 {
        match self.below(10) {
            0..3 => self.wide() % 1000,
            3..6 => self.wide(),
            6 => 0,
            7 => u128::MAX,
            8 => u128::MAX - self.wide() % 3,
            _ => (1 << 127) - 1 + self.wide() % 3,
        }
    }

    /// Part of a whole, often nothing or all of it.
    pub(crate) fn part(&mut self, whole: u128) -> u128 {
        match (self.below(4), whole.checked_add(1)) {
            (0, _) => 0,
            (1, _) => whole,
            (_, Some(size)) => self.wide() % size,
            (_, None) => self.wide(),
        }
    }
}
