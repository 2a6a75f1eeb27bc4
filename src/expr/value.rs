//! What an expression can be: a value, one of several, or not known.

/// A concrete value of the expression language.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// A value as far as static facts tell it.
#[derive(Debug, Clone, PartialEq)]
pub enum Eval {
    Known(Value),
    /// At least two different values, each possible.
    OneOf(Vec<Value>),
    Unknown,
}
