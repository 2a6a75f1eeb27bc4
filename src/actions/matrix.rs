//! `strategy.matrix` as the legs it spans.

use super::tree_value;
use crate::actions::expr::{Context, Eval, Value};
use crate::yaml::{NodeId, Tree};

/// GitHub starts at most this many jobs for one matrix.
const MAX_LEGS: usize = 256;
/// Values of legs that are looked at to expand one matrix.
const MAX_WORK: usize = 8_000_000;

#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    pub node: NodeId,
}

/// One combination of matrix values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leg {
    /// By key; of a map that is not known as a whole, its known fields by their path: `task.run`.
    pub values: Vec<(String, Eval)>,
    /// Keys beyond `values` may exist: the matrix or a part of it is an expression.
    pub incomplete: bool,
    /// Its place among all legs, where these are all known.
    pub index: Option<usize>,
}

impl Leg {
    /// The value under a path such as `["os", "name"]`.
    pub fn lookup(&self, path: &[String]) -> Eval {
        let Some((first, rest)) = path.split_first() else { return Eval::Unknown };
        match self.values.iter().find(|(k, _)| k.eq_ignore_ascii_case(first)) {
            Some((_, Eval::Unknown)) if !rest.is_empty() => {
                let path = path.join(".");
                let field = self.values.iter().find(|(k, _)| k.eq_ignore_ascii_case(&path));
                field.map_or(Eval::Unknown, |(_, value)| value.clone())
            }
            Some((_, value)) => rest.iter().fold(value.clone(), |value, key| field(&value, key)),
            None if self.incomplete => Eval::Unknown,
            None => Eval::Known(Value::Null),
        }
    }

    /// `strategy.job-index`.
    pub fn job_index(&self) -> Eval {
        let index = self.index.and_then(|index| u32::try_from(index).ok());
        index.map_or(Eval::Unknown, |index| Eval::Known(Value::Number(index.into())))
    }

    fn get(&self, key: &str) -> Option<&Eval> {
        self.values.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    fn set(&mut self, key: &str, value: Eval) {
        match self.values.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.values.push((key.to_owned(), value)),
        }
    }
}

fn field(value: &Eval, key: &str) -> Eval {
    match value {
        Eval::Known(Value::Object(entries)) => Eval::Known(
            entries
                .iter()
                .find(|(k, _)| k.eq_ignore_ascii_case(key))
                .map_or(Value::Null, |(_, v)| v.clone()),
        ),
        Eval::Known(Value::Array(items)) => {
            let item = key.parse::<usize>().ok().and_then(|at| items.get(at));
            Eval::Known(item.cloned().unwrap_or(Value::Null))
        }
        Eval::Known(_) => Eval::Known(Value::Null),
        _ => Eval::Unknown,
    }
}

/// The legs of a matrix as far as static facts decide them.
#[derive(Debug, Clone, PartialEq)]
pub struct Legs {
    pub legs: Vec<Leg>,
    /// These are all legs, with all values known.
    pub exact: bool,
}

impl Legs {
    /// A job without matrix.
    pub fn single() -> Self {
        Self { legs: vec![Leg::default()], exact: true }.numbered()
    }

    fn dynamic() -> Self {
        Self { legs: vec![Leg { incomplete: true, ..Leg::default() }], exact: false }
    }

    fn numbered(mut self) -> Self {
        for (index, leg) in self.legs.iter_mut().enumerate() {
            leg.index = self.exact.then_some(index);
        }
        self
    }
}

impl Matrix {
    /// Expands the dimensions, then `exclude`, then `include`, as Actions does.
    pub fn legs(&self, tree: &Tree, context: &dyn Context) -> Legs {
        if !tree.is_mapping(self.node) {
            return match tree_value::value(tree, self.node, context) {
                Eval::Known(known @ Value::Object(_)) => from_value(&known),
                _ => Legs::dynamic(),
            };
        }
        let mut dimensions: Vec<(String, Eval, Option<Vec<Choice>>)> = Vec::new();
        let (mut include, mut exclude) = (Eval::Known(Value::Null), Eval::Known(Value::Null));
        for entry in tree.entries(self.node) {
            let Some(key) = tree.str(entry.key) else { continue };
            let values = tree_value::value(tree, entry.value, context);
            match key {
                "include" => include = values,
                "exclude" => exclude = values,
                _ => {
                    let partly = if values == Eval::Unknown {
                        choices(tree, entry.value, context)
                    } else {
                        None
                    };
                    dimensions.push((key.to_owned(), values, partly));
                }
            }
        }
        expand(dimensions, &include, &exclude)
    }

    /// The scalars that its values are made of, as written there: aliases inside it are left out.
    pub fn texts<'t>(&self, tree: &'t Tree) -> Vec<&'t str> {
        let (mut texts, mut unread) = (Vec::new(), vec![self.node]);
        while let Some(node) = unread.pop() {
            texts.extend(tree.str(node));
            let below = tree
                .entries(node)
                .iter()
                .map(|e| e.value)
                .chain(tree.items(node).iter().map(|i| i.node));
            unread.extend(below.filter(|node| !tree.is_alias(*node)));
        }
        texts
    }
}

fn from_value(matrix: &Value) -> Legs {
    let Value::Object(entries) = matrix else { return Legs::dynamic() };
    let part = |name: &str| {
        Eval::Known(entries.iter().find(|(k, _)| k == name).map_or(Value::Null, |(_, v)| v.clone()))
    };
    let dimensions = entries
        .iter()
        .filter(|(k, _)| k != "include" && k != "exclude")
        .map(|(k, v)| (k.clone(), Eval::Known(v.clone()), None))
        .collect();
    expand(dimensions, &part("include"), &part("exclude"))
}

/// One item of a dimension: its value, and the known fields of a map whose value is not.
#[derive(Debug, Clone)]
struct Choice {
    value: Eval,
    fields: Vec<(String, Eval)>,
}

impl From<Eval> for Choice {
    fn from(value: Eval) -> Self {
        Self { value, fields: Vec::new() }
    }
}

/// The items of a written list, each as far as it is known.
fn choices(tree: &Tree, node: NodeId, context: &dyn Context) -> Option<Vec<Choice>> {
    tree.is_sequence(node).then(|| {
        let item = |node: NodeId| {
            let fields = tree.entries(node).iter();
            let fields = fields.filter_map(|e| {
                Some((tree.str(e.key)?.to_owned(), tree_value::value(tree, e.value, context)))
            });
            Choice { value: tree_value::value(tree, node, context), fields: fields.collect() }
        };
        tree.items(node).iter().map(|i| item(i.node)).collect()
    })
}

fn expand(
    dimensions: Vec<(String, Eval, Option<Vec<Choice>>)>,
    include: &Eval,
    exclude: &Eval,
) -> Legs {
    let mut exact = true;
    let mut legs = if dimensions.is_empty() { Vec::new() } else { vec![Leg::default()] };
    let mut work = Work { left: MAX_WORK };
    for (key, values, partly) in &dimensions {
        let choices: Vec<Choice> = match values {
            Eval::Known(Value::Array(items)) => {
                items.iter().cloned().map(|v| Eval::Known(v).into()).collect()
            }
            Eval::Known(Value::Null) => Vec::new(),
            Eval::Known(single) => vec![Eval::Known(single.clone()).into()],
            Eval::OneOf(_) | Eval::Unknown => {
                exact = false;
                partly.clone().unwrap_or_else(|| vec![Eval::Unknown.into()])
            }
        };
        if !work.spend(&legs, 0, choices.len().min(MAX_LEGS)) {
            return Legs::dynamic();
        }
        let mut next = Vec::with_capacity((legs.len() * choices.len()).min(MAX_LEGS));
        for leg in &legs {
            for choice in &choices {
                if next.len() == MAX_LEGS {
                    exact = false;
                    break;
                }
                let mut leg = leg.clone();
                leg.set(key, choice.value.clone());
                if choice.value == Eval::Unknown {
                    choice.fields.iter().for_each(|(field, value)| {
                        leg.set(&format!("{key}.{field}"), value.clone())
                    });
                }
                next.push(leg);
            }
        }
        legs = next;
    }
    match exclude {
        Eval::Known(Value::Array(entries)) => {
            if !work.spend(&legs, 0, entries.iter().map(fields_of).sum()) {
                return Legs::dynamic();
            }
            legs.retain(|leg| !entries.iter().any(|e| excluded(leg, e)))
        }
        Eval::Known(_) => {}
        _ => exact = false,
    }
    let original: Vec<&str> = dimensions.iter().map(|(k, ..)| k.as_str()).collect();
    match include {
        Eval::Known(Value::Array(entries)) => {
            for entry in entries {
                let fields = fields_of(entry);
                let extends = !original.is_empty();
                if extends && !work.spend(&legs, fields, original.len() + fields) {
                    return Legs::dynamic();
                }
                add_include(&mut legs, &original, entry);
            }
        }
        Eval::Known(_) => {}
        _ => {
            exact = false;
            for leg in &mut legs {
                leg.incomplete = true;
            }
            if legs.is_empty() {
                legs.push(Leg { incomplete: true, ..Leg::default() });
            }
        }
    }
    if legs.len() > MAX_LEGS {
        legs.truncate(MAX_LEGS);
        exact = false;
    }
    Legs { legs, exact }.numbered()
}

/// How much may still be done to expand one matrix.
struct Work {
    left: usize,
}

impl Work {
    /// Whether each leg may be searched so many times while it gets `more` values.
    fn spend(&mut self, legs: &[Leg], more: usize, times: usize) -> bool {
        let values: usize = legs.iter().map(|leg| 1 + leg.values.len() + more).sum();
        let left = values.checked_mul(times).and_then(|cost| self.left.checked_sub(cost));
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

fn fields_of(entry: &Value) -> usize {
    if let Value::Object(fields) = entry { 1 + fields.len() } else { 1 }
}

fn excluded(leg: &Leg, entry: &Value) -> bool {
    let Value::Object(wanted) = entry else { return false };
    !wanted.is_empty()
        && wanted.iter().all(|(k, v)| matches!(leg.get(k), Some(Eval::Known(have)) if have == v))
}

/// An include entry extends each combination whose original values it does not change; else it is a
/// leg of its own.
fn add_include(legs: &mut Vec<Leg>, original: &[&str], entry: &Value) {
    let Value::Object(fields) = entry else { return };
    let mut extended = false;
    if !original.is_empty() {
        for leg in legs.iter_mut().filter(|leg| original.iter().all(|key| leg.get(key).is_some())) {
            let fits = fields.iter().all(|(k, v)| {
                !original.contains(&k.as_str())
                    || matches!(leg.get(k), Some(Eval::Known(have)) if have == v)
            });
            if fits {
                extended = true;
                for (k, v) in fields.iter().filter(|(k, _)| !original.contains(&k.as_str())) {
                    leg.set(k, Eval::Known(v.clone()));
                }
            }
        }
    }
    if !extended {
        let values = fields.iter().map(|(k, v)| (k.clone(), Eval::Known(v.clone()))).collect();
        legs.push(Leg { values, ..Leg::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::context::{Inputs, Scope};
    use crate::base::text::Text;

    /// The legs of a matrix, each as `key=value` words; unknown values as `?`.
    fn legs(matrix: &str) -> (Vec<String>, bool) {
        let text = Text::new("t", matrix.as_bytes().to_vec()).unwrap();
        let tree = crate::yaml::parse(&text).unwrap();
        let (leg, inputs) = (Leg::default(), Inputs::default());
        let legs =
            Matrix { node: tree.root().unwrap() }.legs(&tree, &Scope::new(&leg, &inputs, "job"));
        let word = |(key, value): &(String, Eval)| match value {
            Eval::Known(value) => format!("{key}={}", value.to_text()),
            _ => format!("{key}=?"),
        };
        let shown = |leg: &Leg| leg.values.iter().map(word).collect::<Vec<_>>().join(" ");
        (legs.legs.iter().map(shown).collect(), legs.exact)
    }

    #[test]
    fn legs_as_actions_expands_them() {
        for (matrix, expected, exact) in [
            ("{a: [1, 2], b: [x, y]}", vec!["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"], true),
            ("{a: [1, 2], exclude: [{a: 1}]}", vec!["a=2"], true),
            ("{a: [1, 2], include: [{a: 1, c: z}]}", vec!["a=1 c=z", "a=2"], true),
            ("{a: [1], include: [{c: z}]}", vec!["a=1 c=z"], true),
            ("{a: [1], include: [{a: 3, c: z}]}", vec!["a=1", "a=3 c=z"], true),
            ("{include: [{s: lint}, {s: test, p: '3.12'}]}", vec!["s=lint", "s=test p=3.12"], true),
            ("{p: [3.10, '3.10']}", vec!["p=3.1", "p=3.10"], true),
            ("{a: ['${{ fromJSON(needs.x.outputs.y) }}'], b: [1]}", vec!["a=? b=1"], false),
            ("{a: '${{ fromJSON(needs.x.outputs.y) }}', b: [1]}", vec!["a=? b=1"], false),
            ("${{ fromJSON(needs.x.outputs.y) }}", vec![""], false),
            ("${{ fromJSON('{\"a\":[1,2]}') }}", vec!["a=1", "a=2"], true),
            ("{a: [yes, true, null]}", vec!["a=yes", "a=true", "a="], true),
        ] {
            // One unknown item makes the whole list unknown: it stays one leg.
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(legs(matrix), (expected, exact), "{matrix}");
        }
    }

    #[test]
    fn the_legs_of_a_huge_matrix_are_capped() {
        let list = (0..40).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
        let (legs, exact) = legs(&format!("{{a: [{list}], b: [{list}], c: [{list}]}}"));
        assert!(legs.len() <= MAX_LEGS && !exact);
    }

    #[test]
    fn missing_keys_are_null_unless_the_matrix_is_open() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let object = Value::Object(vec![("Name".into(), Value::from("x"))]);
        let mut leg = Leg { values: vec![("os".into(), Eval::Known(object))], ..Leg::default() };
        assert_eq!(leg.lookup(&path("os.name")), Eval::Known(Value::from("x")));
        assert_eq!(leg.lookup(&path("os.other")), Eval::Known(Value::Null));
        assert_eq!(leg.lookup(&path("python")), Eval::Known(Value::Null));
        leg.incomplete = true;
        assert_eq!(leg.lookup(&path("python")), Eval::Unknown);
    }

    #[test]
    fn legs_have_a_place_where_all_are_known() {
        let places = |yaml: &str| {
            let text = Text::new("w", yaml.as_bytes().to_vec()).unwrap();
            let tree = crate::yaml::parse(&text).unwrap();
            let (leg, inputs) = (Leg::default(), Inputs::default());
            let legs = Matrix { node: tree.root().unwrap() }
                .legs(&tree, &Scope::new(&leg, &inputs, "job"));
            legs.legs.iter().map(|leg| leg.index).collect::<Vec<_>>()
        };
        assert_eq!(
            places("{a: [1, 2], exclude: [{a: 1}], include: [{a: 3}]}\n"),
            [Some(0), Some(1)]
        );
        assert_eq!(
            places("{a: [1, 2], include: \"${{ fromJSON(needs.x.outputs.y) }}\"}\n"),
            [None, None]
        );
    }

    #[test]
    fn known_fields_of_unknown_maps_stay_known() {
        let yaml = "task:\n- {run: nox -s a, when: \"${{ github.sha }}\"}\n- {run: nox -s b, when: true}\n";
        let text = Text::new("w", yaml.as_bytes().to_vec()).unwrap();
        let tree = crate::yaml::parse(&text).unwrap();
        let (leg, inputs) = (Leg::default(), Inputs::default());
        let legs =
            Matrix { node: tree.root().unwrap() }.legs(&tree, &Scope::new(&leg, &inputs, "job"));
        assert!(!legs.exact && legs.legs.len() == 2);
        let at = |leg: usize, path: &[&str]| {
            legs.legs[leg].lookup(&path.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(at(0, &["task", "run"]), Eval::Known("nox -s a".into()));
        assert_eq!(at(0, &["task", "when"]), Eval::Unknown);
        assert_eq!(at(0, &["task", "other"]), Eval::Unknown);
        assert_eq!(at(1, &["task", "when"]), Eval::Known(true.into()));
        assert_eq!(at(1, &["task", "other"]), Eval::Known(Value::Null));
    }

    /// Its work is counted: every axis copies the legs, every entry is compared with all of them.
    #[test]
    fn too_much_work_makes_the_legs_unknown() {
        let axes = |count: usize| (0..count).map(|n| format!("a{n}: [x]\n")).collect::<String>();
        let wide = |count: usize| {
            let fields: Vec<String> = (0..count).map(|n| format!("f{n}: x")).collect();
            format!("include: [{{{}}}]\n", fields.join(", "))
        };
        let sixteen = (1..=16).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let square = format!("p: [{sixteen}]\nq: [{sixteen}]\n");
        let excluded = format!("exclude: [{}]\n", "{p: 0, q: 0}, ".repeat(8_000));
        for matrix in
            [axes(9_000), format!("{square}{excluded}"), format!("{square}{}", wide(20_000))]
        {
            assert_eq!(legs(&matrix), (vec![String::new()], false), "{}", &matrix[..20]);
        }
        for (matrix, count) in [(axes(30), 1), (format!("{square}{}", wide(100)), 256)] {
            let (legs, exact) = legs(&matrix);
            assert_eq!((legs.len(), exact), (count, true), "{}", &matrix[..20]);
        }
    }
}
