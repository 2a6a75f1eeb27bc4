//! The coercions of the expression language: to text, number and truth, equality and order.

use std::cmp::Ordering;

use crate::actions::expr::value::Value;

impl Value {
    /// The text GitHub puts in place of `${{ }}`: numbers with at most 15 digits (`3.10` is `3.1`),
    /// `Object` and `Array` for collections, nothing for null.
    pub fn to_text(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => number_text(*value),
            Value::String(value) => value.clone(),
            Value::Array(_) => "Array".to_owned(),
            Value::Object(_) => "Object".to_owned(),
        }
    }

    /// Everything is true but null, false, 0, NaN and the empty string.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(value) => *value != 0.0 && !value.is_nan(),
            Value::String(value) => !value.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// Neither array nor object.
    pub fn is_primitive(&self) -> bool {
        !matches!(self, Value::Array(_) | Value::Object(_))
    }

    /// The value of an object's key, whose case does not matter.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Object(entries) = self else { return None };
        entries.iter().find(|(name, _)| folded(name).eq(folded(key))).map(|(_, value)| value)
    }

    /// `==`: different types meet as numbers, strings without regard to case. `None` for two arrays
    /// or two objects, which are equal only if they are the same one.
    pub fn loose_eq(&self, other: &Value) -> Option<bool> {
        match (self, other) {
            (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => None,
            _ => Some(self.loose_cmp(other) == Some(Ordering::Equal)),
        }
    }

    /// The order of `<` and `>`; `None` where both are false: NaN, arrays, objects.
    pub fn loose_cmp(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Null, Value::Null) => Some(Ordering::Equal),
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            // By UTF-16 units, and only as far as they are equal: a long text may meet many short
            // ones.
            (Value::String(left), Value::String(right)) => {
                Some(folded(left).map(utf16).cmp(folded(right).map(utf16)))
            }
            _ if self.is_primitive() && other.is_primitive() => {
                self.to_number().partial_cmp(&other.to_number())
            }
            _ => None,
        }
    }

    /// The number a value counts as in comparisons and indices; NaN for collections and text that
    /// isn't a number.
    pub fn to_number(&self) -> f64 {
        match self {
            Value::Null => 0.0,
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::Number(value) => *value,
            Value::String(value) => parse_number(value),
            Value::Array(_) | Value::Object(_) => f64::NAN,
        }
    }

    /// Reads JSON as `fromJSON` does; `None` when it is none.
    pub fn from_json(text: &str) -> Option<Value> {
        serde_json::from_str(text).ok().map(from_serde)
    }
}

fn from_serde(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(value) => Value::Number(value.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(value) => Value::String(value),
        serde_json::Value::Array(items) => {
            Value::Array(items.into_iter().map(from_serde).collect())
        }
        serde_json::Value::Object(entries) => Value::Object(
            entries.into_iter().map(|(name, value)| (name, from_serde(value))).collect(),
        ),
    }
}

/// The characters in the case in which strings are compared: each by itself, so that lengths stay.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| {
        let mut mapped = c.to_uppercase();
        match (mapped.next(), mapped.next()) {
            // The dotless i would become an ordinary I.
            (Some(single), None) if c != 'ı' => single,
            _ => c,
        }
    })
}

fn utf16(c: char) -> [u16; 2] {
    let mut units = [0; 2];
    c.encode_utf16(&mut units);
    units
}

/// The number that a text is to the expression language: decimal, exponent, `0x`, `0o`; blank is 0,
/// others NaN.
pub(super) fn parse_number(text: &str) -> f64 {
    let text = text.trim();
    // 32 bits, wrapping into negative numbers, as the runner reads them.
    let radix = |digits: &str, radix| match digits.starts_with('+') {
        true => f64::NAN,
        false => u32::from_str_radix(digits, radix)
            .map_or(f64::NAN, |bits| f64::from(bits.cast_signed())),
    };
    match text {
        "" => 0.0,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.starts_with("0x") => radix(&text[2..], 16),
        _ if text.starts_with("0o") => radix(&text[2..], 8),
        // Rust also reads `inf` and `nan`.
        _ if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// A number with at most 15 significant digits, an exponent where that is below -4 or above 14
/// (.NET's `G15`).
fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}Infinity");
    }
    let scientific = format!("{:.14e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    let with_point = |at: usize| match digits.split_at_checked(at) {
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits:0<at$}"),
    };
    match exponent {
        0..=14 => format!("{sign}{}", with_point(usize::try_from(exponent).unwrap_or(0) + 1)),
        -4..=-1 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let direction = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{}E{direction}{:02}", with_point(1), exponent.unsigned_abs())
        }
    }
}
