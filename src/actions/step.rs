//! One step of a job or composite action.

use super::reader::{Env, Scalar, Shape, env_at, scalar_at, scalars_at};
use crate::base::finding::{Route, Segment};
use crate::base::text::Span;
use crate::yaml::{Kind, NodeId, Tree};

#[derive(Debug, Clone)]
pub struct Step {
    pub node: NodeId,
    pub span: Span,
    /// Byte offset of its `-`.
    pub dash: usize,
    /// Position in its sequence; a step inside a `parallel:` group has the group's position.
    pub index: usize,
    pub id: Option<Scalar>,
    pub name: Option<Scalar>,
    pub condition: Option<Scalar>,
    pub uses: Option<Scalar>,
    pub run: Option<Scalar>,
    pub shell: Option<Scalar>,
    pub working_directory: Option<Scalar>,
    pub env: Env,
    pub with: Vec<(String, Scalar)>,
    /// `continue-on-error:`.
    pub continues: Option<Scalar>,
    /// Written as an alias of another step, or carries an anchor that others may link to.
    pub shared: bool,
    /// Runs alongside others: in a `parallel:` group or `background: true`.
    pub concurrent: bool,
}

impl Step {
    /// The input `name` as written; GitHub compares input names without case.
    pub fn input(&self, name: &str) -> Option<&Scalar> {
        self.with.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Its `if:`, without the `${{ }}` that may be around the whole of it.
    pub fn asks(&self) -> Option<&str> {
        let text = self.condition.as_ref()?.text.trim();
        let inside = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}"));
        Some(inside.filter(|inside| !inside.contains("${{")).map_or(text, str::trim))
    }

    /// Whether expressions name the step by this id; they compare without case.
    pub fn has_id(&self, id: &str) -> bool {
        self.id.as_ref().is_some_and(|own| own.text.eq_ignore_ascii_case(id))
    }
}

/// The `steps:` of a job or composite action.
#[derive(Debug, Clone, Default)]
pub struct StepList {
    pub steps: Vec<Step>,
    /// The sequence node; `None` when there is no list.
    pub node: Option<NodeId>,
    /// From the document root to the sequence.
    pub route: Route,
    /// `steps: [ … ]`.
    pub flow: bool,
    /// The sequence is an alias or carries an anchor.
    pub shared: bool,
}

impl StepList {
    /// The steps before the one at `step`.
    pub fn before(&self, step: usize) -> &[Step] {
        self.steps.get(..step).unwrap_or_default()
    }

    /// Reads the list under `steps` of `owner`; a value of another shape is reported and read as no
    /// steps.
    pub(super) fn read(
        tree: &Tree,
        owner: NodeId,
        mut route: Route,
        shapes: &mut Vec<Shape>,
    ) -> Self {
        let Some(node) = tree.get(owner, "steps") else { return Self::default() };
        route.push(Segment::Key("steps".into()));
        let target = tree.node(tree.resolve(node));
        let Kind::Sequence { items, flow } = target.kind else {
            if !tree.is_null(node) {
                let message = "`steps` must be a list of steps".to_owned();
                shapes.push(Shape { span: tree.span(node), message });
            }
            return Self::default();
        };
        let mut steps = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if !tree.is_mapping(item.node) {
                let message = "a step must be a map with `uses` or `run`".to_owned();
                shapes.push(Shape { span: tree.span(item.node), message });
                continue;
            }
            let group = tree.get(item.node, "parallel").filter(|g| tree.is_sequence(*g));
            match group {
                Some(group) => steps.extend(
                    tree.items(group)
                        .iter()
                        .filter(|inner| tree.is_mapping(inner.node))
                        .map(|inner| read_step(tree, inner.node, item.dash, index, true)),
                ),
                None => steps.push(read_step(tree, item.node, item.dash, index, false)),
            }
        }
        let shared = tree.is_alias(node) || target.anchored;
        Self { steps, node: Some(node), route, flow, shared }
    }
}

fn read_step(tree: &Tree, node: NodeId, dash: usize, index: usize, in_group: bool) -> Step {
    let background =
        scalar_at(tree, node, "background").is_some_and(|s| s.text.eq_ignore_ascii_case("true"));
    Step {
        node,
        span: tree.span(node),
        dash,
        index,
        id: scalar_at(tree, node, "id"),
        name: scalar_at(tree, node, "name"),
        condition: scalar_at(tree, node, "if"),
        uses: scalar_at(tree, node, "uses"),
        run: scalar_at(tree, node, "run"),
        shell: scalar_at(tree, node, "shell"),
        working_directory: scalar_at(tree, node, "working-directory"),
        env: env_at(tree, node),
        with: scalars_at(tree, node, "with"),
        continues: scalar_at(tree, node, "continue-on-error"),
        shared: tree.is_alias(node) || tree.node(tree.resolve(node)).anchored,
        concurrent: in_group || background,
    }
}
