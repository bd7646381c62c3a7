//! A set of slot numbers, written as `0-2,5,9-11`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Slot numbers, ascending and without repetition.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SlotSet(Vec<u32>);

impl SlotSet {
    /// Largest number of slots of one set; a longer text is refused.
    pub const LEN_MAX: usize = 1 << 20;

    /// Takes slot numbers in any order.
    pub fn new(mut slots: Vec<u32>) -> SlotSet {
        slots.sort_unstable();
        slots.dedup();
        SlotSet(slots)
    }

    /// Returns the slots, ascending.
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether `slot` is one of them.
    pub fn contains(&self, slot: u32) -> bool {
        self.0.binary_search(&slot).is_ok()
    }
}

impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.chunk_by(|a, b| a + 1 == *b);
        for (at, run) in runs.enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match run {
                [only] => write!(f, "{only}")?,
                [first, .., last] => write!(f, "{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

impl FromStr for SlotSet {
    type Err = String;

    fn from_str(text: &str) -> Result<SlotSet, String> {
        let mut slots: Vec<u32> = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.parse::<u32>().map_err(|_| format!("bad slot `{part}`"));
            let (first, last) = (number(first)?, number(last)?);
            let count = last.checked_sub(first).ok_or_else(|| format!("bad slots `{part}`"))?;
            if slots.last().is_some_and(|previous| *previous >= first) {
                return Err(format!("slots `{part}` are not ascending"));
            }
            if slots.len() + count as usize >= SlotSet::LEN_MAX {
                return Err("too many slots".to_owned());
            }
            slots.extend(first..=last);
        }
        Ok(SlotSet(slots))
    }
}

impl Serialize for SlotSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SlotSet, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SlotSet;

    #[test]
    fn text_and_set_are_the_same() {
        let set = SlotSet::new(vec![9, 0, 1, 2, 5, 10, 11, 5]);
        assert_eq!(set.to_string(), "0-2,5,9-11");
        assert_eq!(set.to_string().parse::<SlotSet>().unwrap(), set);
        assert_eq!("".parse::<SlotSet>().unwrap(), SlotSet::default());
        for bad in ["3,1", "a", "5-2", "0-4294967295", "1,1"] {
            assert!(bad.parse::<SlotSet>().is_err(), "{bad}");
        }
    }
}
