//! Bytes of a log → lines of bounded length, without colour codes; timestamps → nanoseconds.

use std::borrow::Cow;
use std::io::{self, BufRead};

/// Bytes of a line that are kept; no line that means something here comes near, and memory stays
/// bounded.
const LONGEST: usize = 64 * 1024;

/// Reads lines one by one into one buffer.
pub struct LogLines<R> {
    reader: R,
    buffer: Vec<u8>,
    read: u64,
    most: u64,
}

impl<R: BufRead> LogLines<R> {
    /// Reads no more than `most` bytes, or a few.
    pub fn new(reader: R, most: u64) -> Self {
        Self { reader, buffer: Vec::new(), read: 0, most }
    }

    /// Whether there was more than may be read.
    pub fn is_too_large(&self) -> bool {
        self.read > self.most
    }

    /// The next line without its newline; what is longer than [`LONGEST`] is cut off. `None` at the
    /// end, and where there is more than may be read.
    pub fn next(&mut self) -> io::Result<Option<Cow<'_, str>>> {
        self.buffer.clear();
        loop {
            if self.is_too_large() {
                return Ok(None);
            }
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let newline = memchr::memchr(b'\n', available);
            let (content, used) = match newline {
                Some(at) => (at, at + 1),
                None => (available.len(), available.len()),
            };
            let at_end = used == 0;
            let room = LONGEST.saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&available[..content.min(room)]);
            self.reader.consume(used);
            self.read += used as u64;
            if at_end && self.buffer.is_empty() {
                return Ok(None);
            }
            if at_end || newline.is_some() {
                return Ok(Some(String::from_utf8_lossy(&self.buffer)));
            }
        }
    }
}

/// The text that a terminal would show: no colour codes, no byte order mark, of a line redrawn in
/// place only the last state.
pub fn plain(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
    let line = line.rsplit('\r').next().unwrap_or(line);
    if line.contains('\u{1b}') { Cow::Owned(without_escapes(line)) } else { Cow::Borrowed(line) }
}

/// ECMA-48: `ESC [ … final`, `ESC ] … BEL or ESC \`, else `ESC` and one character.
fn without_escapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('[') => {
                chars.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
            Some(']') => {
                let mut before = ' ';
                for c in chars.by_ref() {
                    if c == '\u{7}' || (before == '\u{1b}' && c == '\\') {
                        break;
                    }
                    before = c;
                }
            }
            _ => {}
        }
    }
    out
}

/// A moment, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i128);

impl Moment {
    /// Seconds from `earlier` to this; `None` where the clock went backwards.
    pub fn since(self, earlier: Self) -> Option<f64> {
        let nanoseconds = self.0.checked_sub(earlier.0)?;
        (nanoseconds >= 0).then(|| nanoseconds as f64 / 1e9)
    }
}

/// Splits a line that begins with an RFC 3339 timestamp and a space into both parts.
pub fn timestamped(line: &str) -> Option<(Moment, &str)> {
    let line = line.trim_start_matches('\u{feff}');
    let (stamp, rest) = match line.find(' ') {
        Some(at) => (line.get(..at)?, line.get(at + 1..)?),
        None => (line, ""),
    };
    Some((moment(stamp)?, rest))
}

fn moment(stamp: &str) -> Option<Moment> {
    let bytes = stamp.as_bytes();
    if bytes.len() < 20 || !stamp.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let mut digits = bytes.get(from..to)?.iter();
        digits.try_fold(0, |all, b| b.is_ascii_digit().then(|| 10 * all + i64::from(b - b'0')))
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| bytes.get(at) != Some(&byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let zone_at = 19 + stamp.get(19..)?.find(['Z', '+', '-'])?;
    let fraction = match stamp.get(19..zone_at)? {
        "" => 0,
        fraction => nanoseconds(fraction.strip_prefix('.')?)?,
    };
    let offset = match stamp.get(zone_at..)? {
        "Z" => 0,
        zone if zone.len() == 6 && zone.as_bytes().get(3) == Some(&b':') => {
            let minutes =
                number(zone_at + 1, zone_at + 3)? * 60 + number(zone_at + 4, zone_at + 6)?;
            if zone.starts_with('-') { -minutes } else { minutes }
        }
        _ => return None,
    };
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        - offset * 60;
    Some(Moment(i128::from(seconds) * 1_000_000_000 + i128::from(fraction)))
}

fn nanoseconds(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(digits.fold(0, |all, digit| 10 * all + i64::from(digit - b'0')))
}

/// Of the proleptic Gregorian calendar; years begin in March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds of a duration as Go prints it: `1h2m3.5s`, `5.05ms`, `15µs`.
pub fn go_duration(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() || rest.len() > 40 {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match rest.get(..unit)? {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" | "μs" | "us" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number * seconds;
        rest = rest.get(unit..)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_long_lines_and_goes_on_after_them() {
        let text = format!("{}\nnext\r\nlast", "x".repeat(3 * LONGEST));
        let mut lines = LogLines::new(io::BufReader::with_capacity(100, text.as_bytes()), 1 << 20);
        assert_eq!(lines.next().unwrap().unwrap().len(), LONGEST);
        assert_eq!(plain(&lines.next().unwrap().unwrap()), "next");
        assert_eq!(lines.next().unwrap().unwrap(), "last");
        assert!(lines.next().unwrap().is_none());
        assert!(!lines.is_too_large());
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let most = 3 * LONGEST as u64;
        let mut lines = LogLines::new(io::BufReader::new(io::repeat(b'x')), most);
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.is_too_large() && lines.read < 2 * most);
    }

    #[test]
    fn keeps_empty_lines() {
        let mut lines = LogLines::new("a\n\nb\n".as_bytes(), 100);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(line.into_owned());
        }
        assert_eq!(all, ["a", "", "b"]);
    }

    #[test]
    fn strips_what_a_terminal_does_not_show() {
        for (line, shown) in [
            ("\u{1b}[36mnox > \u{1b}[34mhi\u{1b}[0m", "nox > hi"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\ end", "link end"),
            ("10%\r20%\rdone\r\n", "done"),
            ("\u{feff}text", "text"),
            ("open \u{1b}[3", "open "),
            ("\u{1b}", ""),
        ] {
            assert_eq!(plain(line), shown, "{line:?}");
        }
    }

    #[test]
    fn reads_timestamps() {
        let at = |stamp| timestamped(stamp).map(|(moment, _)| moment);
        let seconds = |from, to| at(to).unwrap().since(at(from).unwrap());
        assert_eq!(
            seconds("2024-02-28T23:59:59.5Z x", "2024-03-01T00:00:00.0000000Z x"),
            Some(86_400.5)
        );
        assert_eq!(seconds("2026-01-01T00:00:00Z", "2026-01-01T02:00:01+02:00"), Some(1.0));
        assert_eq!(seconds("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"), None);
        assert_eq!(at("1970-01-01T00:00:00Z"), Some(Moment(0)));
        assert_eq!(timestamped("2026-01-01T00:00:00.1234567Z  indented").unwrap().1, " indented");
        for wrong in [
            "2026-13-01T00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "x",
        ] {
            assert!(timestamped(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn reads_durations() {
        for (text, seconds) in [
            ("1h2m3.5s", 3723.5),
            ("5.05287ms", 0.005_052_87),
            ("15µs", 15e-6),
            ("2.533009598s", 2.533_009_598),
            ("1m0s", 60.0),
        ] {
            assert!((go_duration(text).unwrap() - seconds).abs() < 1e-9, "{text}");
        }
        for wrong in ["", "s", "5", "5 s", "1.2.3s", "5y"] {
            assert!(go_duration(wrong).is_none(), "{wrong}");
        }
    }
}
