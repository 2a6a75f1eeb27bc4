//! What an expression can be: a value, one of several, or not known.

/// More alternatives than this are [`Eval::Unknown`]: combining them would not end.
pub const MAX_ALTERNATIVES: usize = 64;

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

/// A value as far as static facts decide it.
#[derive(Debug, Clone, PartialEq)]
pub enum Eval {
    Known(Value),
    /// At least two different values, no other is possible.
    OneOf(Vec<Value>),
    Unknown,
}

impl From<Value> for Eval {
    fn from(value: Value) -> Self {
        Eval::Known(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl Eval {
    /// One of `values`: equal ones count once, a single one is known. None at all, or more than
    /// [`MAX_ALTERNATIVES`], is unknown.
    pub fn one_of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut distinct: Vec<Value> = Vec::new();
        for value in values {
            if distinct.contains(&value) {
                continue;
            }
            if distinct.len() == MAX_ALTERNATIVES {
                return Eval::Unknown;
            }
            distinct.push(value);
        }
        match distinct.len() {
            0 => Eval::Unknown,
            1 => distinct.pop().map_or(Eval::Unknown, Eval::Known),
            _ => Eval::OneOf(distinct),
        }
    }

    /// Any of `evals`; unknown as soon as one of them is.
    pub fn union(evals: impl IntoIterator<Item = Eval>) -> Self {
        let mut all = Vec::new();
        for eval in evals {
            match eval {
                Eval::Known(value) => all.push(value),
                Eval::OneOf(values) => all.extend(values),
                Eval::Unknown => return Eval::Unknown,
            }
        }
        Eval::one_of(all)
    }

    /// The value when there is only one.
    pub fn known(&self) -> Option<&Value> {
        match self {
            Eval::Known(value) => Some(value),
            Eval::OneOf(_) | Eval::Unknown => None,
        }
    }

    /// All possible values; `None` when they are not known.
    pub fn values(&self) -> Option<Vec<&Value>> {
        match self {
            Eval::Known(value) => Some(vec![value]),
            Eval::OneOf(values) => Some(values.iter().collect()),
            Eval::Unknown => None,
        }
    }

    /// The truth of the value, when all possible values agree on it.
    pub fn truth(&self) -> Option<bool> {
        let values = self.values()?;
        let first = values.first()?.is_truthy();
        values.iter().all(|value| value.is_truthy() == first).then_some(first)
    }

    pub fn map(&self, mut f: impl FnMut(&Value) -> Value) -> Self {
        self.and_then(|value| Eval::Known(f(value)))
    }

    pub fn and_then(&self, f: impl FnMut(&Value) -> Eval) -> Self {
        match self.values() {
            Some(values) => Eval::union(values.into_iter().map(f)),
            None => Eval::Unknown,
        }
    }

    /// `f` of every combination of the possible values; unknown when one is unknown or there are
    /// more than [`MAX_ALTERNATIVES`] combinations.
    pub fn combine(evals: &[Eval], mut f: impl FnMut(&[&Value]) -> Eval) -> Self {
        let mut combinations: Vec<Vec<&Value>> = vec![Vec::new()];
        for eval in evals {
            let Some(values) = eval.values() else { return Eval::Unknown };
            if combinations.len() * values.len() > MAX_ALTERNATIVES {
                return Eval::Unknown;
            }
            let mut extended = Vec::with_capacity(combinations.len() * values.len());
            for head in &combinations {
                extended.extend(values.iter().map(|value| [head.as_slice(), &[*value]].concat()));
            }
            combinations = extended;
        }
        Eval::union(combinations.iter().map(|values| f(values)))
    }
}
