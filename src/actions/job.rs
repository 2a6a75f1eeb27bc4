//! One job of a workflow.

use super::matrix::Matrix;
use super::reader::{
    Env, RunDefaults, Scalar, Shape, defaults_at, env_at, list_at, scalar_at, scalars_at,
};
use super::step::StepList;
use crate::base::finding::Segment;
use crate::base::text::Span;
use crate::yaml::{Entry, NodeId, Tree};

#[derive(Debug, Clone)]
pub struct Job {
    pub id: String,
    pub id_span: Span,
    pub node: NodeId,
    pub condition: Option<Scalar>,
    /// Labels of `runs-on`, also those of its map form.
    pub runs_on: Vec<Scalar>,
    /// The image of `container:`.
    pub container: Option<Scalar>,
    pub env: Env,
    pub defaults: RunDefaults,
    pub matrix: Option<Matrix>,
    pub steps: StepList,
    /// The name of its `environment:`.
    pub environment: Option<Scalar>,
    /// `uses:` of a job that calls a reusable workflow, with its `with:`.
    pub calls: Option<Scalar>,
    pub with: Vec<(String, Scalar)>,
    /// `cache-mode:` of the job.
    pub cache_mode: Option<Scalar>,
}

impl Job {
    pub(super) fn read(tree: &Tree, entry: &Entry, shapes: &mut Vec<Shape>) -> Option<Self> {
        let id = tree.str(entry.key)?.to_owned();
        let node = entry.value;
        if !tree.is_mapping(node) {
            let message = format!("job `{id}` must be a map");
            shapes.push(Shape { span: tree.span(entry.key), message });
            return None;
        }
        let route = vec![Segment::Key("jobs".into()), Segment::Key(id.clone())];
        let mut runs_on = list_at(tree, node, "runs-on");
        if let Some(map) = tree.get(node, "runs-on").filter(|n| tree.is_mapping(*n)) {
            runs_on.extend(list_at(tree, map, "labels"));
            runs_on.extend(list_at(tree, map, "group"));
        }
        let container = scalar_at(tree, node, "container")
            .or_else(|| tree.get(node, "container").and_then(|c| scalar_at(tree, c, "image")));
        let environment = scalar_at(tree, node, "environment")
            .or_else(|| tree.get(node, "environment").and_then(|e| scalar_at(tree, e, "name")));
        let matrix = tree
            .get(node, "strategy")
            .and_then(|s| tree.get(s, "matrix"))
            .map(|m| Matrix { node: m });
        Some(Self {
            id_span: tree.span(entry.key),
            node,
            condition: scalar_at(tree, node, "if"),
            runs_on,
            container,
            env: env_at(tree, node),
            defaults: defaults_at(tree, node),
            matrix,
            environment,
            steps: StepList::read(tree, node, route, shapes),
            calls: scalar_at(tree, node, "uses"),
            with: scalars_at(tree, node, "with"),
            cache_mode: scalar_at(tree, node, "cache-mode"),
            id,
        })
    }
}
