//! Writes one YAML value in countless ways: indentation, quotes, block and flow, comments, blank
//! lines, anchors.
//!
//! Every decision is a byte of a given list, 0 where the list is at its end, and 0 is always the
//! plainest way. So a failing case shrinks to few unusual places.

pub enum Node {
    Scalar(String),
    Map(Vec<(&'static str, Node)>),
    Seq(Vec<Node>),
}

pub fn scalar(text: impl Into<String>) -> Node {
    Node::Scalar(text.into())
}

/// Decisions, one byte each.
pub struct Choices<'a>(pub std::slice::Iter<'a, u8>);

impl Choices<'_> {
    /// One of `0..n`.
    pub fn pick(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.pick(n) == n - 1
    }

    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.pick(list.len())]
    }
}

pub struct Pen<'a, 'b> {
    choices: &'a mut Choices<'b>,
    out: String,
    newline: &'static str,
    /// The last line belongs to a block scalar, so that a deep comment would become part of it.
    after_block: bool,
    anchors: usize,
}

/// `root` as a file.
pub fn write(root: &Node, choices: &mut Choices<'_>) -> Vec<u8> {
    let bom = choices.once_in(8);
    let newline = if choices.once_in(4) { "\r\n" } else { "\n" };
    let mut pen = Pen { choices, out: String::new(), newline, after_block: false, anchors: 0 };
    if pen.choices.once_in(6) {
        pen.out.push_str("---");
        pen.end_line();
    }
    pen.block(root, 0, true);
    let mut text = pen.out;
    match choices.pick(6) {
        4 => text.push_str(newline),
        5 if text.ends_with(newline) => text.truncate(text.len() - newline.len()),
        _ => {}
    }
    if bom { format!("\u{feff}{text}").into_bytes() } else { text.into_bytes() }
}

impl Pen<'_, '_> {
    /// A map or list whose first line is begun already (`inline`) or starts a line of its own.
    fn block(&mut self, node: &Node, column: usize, inline: bool) {
        let mut inline = inline && !self.out.is_empty() && !self.out.ends_with('\n');
        match node {
            Node::Scalar(_) => unreachable!("scalars stand behind a key or a dash"),
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.begin(column, inline);
                    inline = false;
                    self.key(key);
                    self.value(value, column, true);
                }
            }
            Node::Seq(items) => {
                for item in items {
                    self.begin(column, inline);
                    inline = false;
                    self.out.push('-');
                    self.value(item, column, false);
                }
            }
        }
    }

    /// Blank lines, comments, then the indentation.
    fn begin(&mut self, column: usize, inline: bool) {
        if inline {
            return;
        }
        while self.choices.once_in(6) {
            let blanks = self.choices.of(&["", "", "  ", "        "]);
            let line = match self.choices.pick(4) {
                0 => blanks.to_owned(),
                1 | 2 => format!("{}# note", " ".repeat(column)),
                _ if self.after_block => "# at the margin: ünïcode".to_owned(),
                _ => format!("{}# - run: nox", " ".repeat(self.choices.pick(14))),
            };
            self.after_block &= line.trim().is_empty();
            self.out.push_str(&line);
            self.out.push_str(self.newline);
        }
        self.after_block = false;
        self.out.push_str(&" ".repeat(column));
    }

    fn key(&mut self, key: &str) {
        match self.choices.pick(12) {
            10 => self.out.push_str(&format!("'{key}'")),
            11 => self.out.push_str(&format!("\"{key}\"")),
            _ => self.out.push_str(key),
        }
        self.out.push_str(if self.choices.once_in(16) { " :" } else { ":" });
    }

    /// What stands after `key:` or `-` at `column`.
    fn value(&mut self, node: &Node, column: usize, behind_key: bool) {
        let flow = self.choices.once_in(8);
        // An anchored step would be shared with others, which is another story.
        if behind_key && !matches!(node, Node::Seq(_)) {
            self.anchor();
        }
        match node {
            // A block scalar would end an item of a matrix with a line break, which no cache key
            // can hold.
            Node::Scalar(_) if !behind_key => {
                let written = self.flow_scalar(node);
                self.out.push_str(&format!(" {written}"));
                self.end_line();
            }
            Node::Scalar(text) => {
                self.out.push(' ');
                self.scalar(text, column);
            }
            Node::Seq(items) if flow && items.iter().all(|i| matches!(i, Node::Scalar(_))) => {
                self.flow(node, column)
            }
            Node::Map(entries)
                if flow
                    && entries
                        .iter()
                        .all(|(_, v)| matches!(v, Node::Scalar(t) if !t.contains('\n'))) =>
            {
                self.flow(node, column);
            }
            Node::Map(_) if !behind_key && !self.choices.once_in(8) => {
                let gap = self.choices.of(&[1, 1, 1, 2, 3]);
                self.out.push_str(&" ".repeat(gap));
                self.block(node, column + 1 + gap, true);
            }
            _ => {
                self.end_line();
                let deeper = self.choices.of(&[2, 2, 4, 3, 1, 8]);
                let same = behind_key && matches!(node, Node::Seq(_)) && self.choices.once_in(3);
                self.block(node, if same { column } else { column + deeper }, false);
            }
        }
    }

    fn anchor(&mut self) {
        if self.choices.once_in(16) {
            self.anchors += 1;
            self.out.push_str(&format!(" &a{}", self.anchors));
        }
    }

    fn flow(&mut self, node: &Node, column: usize) {
        self.out.push(' ');
        let blank = self.choices.of(&["", " ", "  "]);
        let (open, close) = if matches!(node, Node::Map(_)) { ('{', '}') } else { ('[', ']') };
        let parts: Vec<String> = match node {
            Node::Map(entries) => {
                entries.iter().map(|(k, v)| format!("{k}: {}", self.flow_scalar(v))).collect()
            }
            Node::Seq(items) => items.iter().map(|v| self.flow_scalar(v)).collect(),
            Node::Scalar(_) => unreachable!("a scalar is written by itself"),
        };
        let apart = match self.choices.pick(3) {
            2 => format!("{}{}", self.newline, " ".repeat(column + 1 + self.choices.pick(5))),
            _ => " ".to_owned(),
        };
        self.out
            .push_str(&format!("{open}{blank}{}{blank}{close}", parts.join(&format!(",{apart}"))));
        self.end_line();
    }

    fn flow_scalar(&mut self, node: &Node) -> String {
        let Node::Scalar(text) = node else {
            unreachable!("only scalars are written in flow style")
        };
        match self.choices.pick(3) {
            0 if is_plain(text) && !text.contains(['{', '}', '[', ']', ',']) => text.clone(),
            1 => single(text),
            _ => self.double(text),
        }
    }

    fn scalar(&mut self, text: &str, column: usize) {
        let multi = text.contains('\n');
        let indent = column + self.choices.of(&[2, 2, 4, 1, 3]);
        let between = format!("{}{}", self.newline, " ".repeat(indent));
        let wrapped = |t: &str, nth: usize| match single_blanks(t).nth(nth) {
            Some(at) => format!("{}{between}{}", &t[..at], &t[at + 1..]),
            None => t.to_owned(),
        };
        match self.choices.pick(9) {
            0 | 1 if !multi && is_plain(text) => self.out.push_str(text),
            2 if !multi => self.out.push_str(&single(text)),
            3 => {
                let quoted = self.double(text);
                self.out.push_str(&quoted);
            }
            4 if !text.contains("\n ") && !text.starts_with(' ') => {
                return self.folded(text, column, indent);
            }
            5 if !multi && is_plain(text) && !text.contains("# ") => {
                let nth = self.choices.pick(4);
                self.out.push_str(&wrapped(text, nth));
            }
            6 if !multi => {
                let nth = self.choices.pick(4);
                self.out.push_str(&wrapped(&single(text), nth));
            }
            7 => {
                // A line ended by `\` continues with what stands first in the next.
                let quoted = self.double(text);
                let at = single_blanks(&quoted).nth(self.choices.pick(4));
                match at {
                    Some(at) => {
                        let (head, tail) = quoted.split_at(at + self.choices.pick(2));
                        let guard = if tail.starts_with(' ') { "\\" } else { "" };
                        self.out.push_str(&format!("{head}\\{between}{guard}{tail}"));
                    }
                    None => self.out.push_str(&quoted),
                }
            }
            _ => return self.literal(text, column, indent),
        }
        self.end_line();
    }

    /// `|` or `>` with its chomping, and the depth where it must or may be said.
    fn header(&mut self, mark: char, text: &str, depth: usize) {
        self.out.push(mark);
        if text.starts_with(' ') || self.choices.once_in(8) {
            self.out.push_str(&depth.to_string());
        }
        let chomping = self.choices.of(&["", "-", "+"]);
        self.out.push_str(chomping);
        self.end_line();
        self.after_block = true;
    }

    fn literal(&mut self, text: &str, column: usize, indent: usize) {
        self.header('|', text, indent - column);
        for line in text.split('\n') {
            let blanks = if line.is_empty() { 0 } else { indent };
            self.out.push_str(&format!("{}{line}{}", " ".repeat(blanks), self.newline));
        }
    }

    fn folded(&mut self, text: &str, column: usize, indent: usize) {
        self.header('>', text, indent - column);
        let indentation = " ".repeat(indent);
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| {
                let at = single_blanks(line).nth(self.choices.pick(4));
                let wrapped = at.map(|at| {
                    format!("{}{}{indentation}{}", &line[..at], self.newline, &line[at + 1..])
                });
                format!("{indentation}{}{}", wrapped.as_deref().unwrap_or(line), self.newline)
            })
            .collect();
        // An empty line between is what a line break is folded from.
        self.out.push_str(&lines.join(self.newline));
    }

    fn double(&mut self, text: &str) -> String {
        let escape = self.choices.once_in(3);
        let mut quoted = String::from('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                c if escape && !c.is_ascii() => {
                    quoted.push_str(&format!("\\U{:08x}", u32::from(c)))
                }
                'o' if escape => quoted.push_str("\\x6f"),
                c => quoted.push(c),
            }
        }
        quoted + "\""
    }

    fn end_line(&mut self) {
        let end = self.choices.of(&["", "", "", "", "", " ", "   ", " # note", "  # été: 'x"]);
        self.out.push_str(end);
        self.out.push_str(self.newline);
        self.after_block = false;
    }
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Places of blanks at which a line may be folded.
fn single_blanks(text: &str) -> impl Iterator<Item = usize> {
    let solid = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && c != '\\');
    text.match_indices(' ').map(|(at, _)| at).filter(move |at| {
        solid(text[..*at].chars().next_back()) && solid(text[at + 1..].chars().next())
    })
}

fn is_plain(text: &str) -> bool {
    let start = text.chars().next();
    start.is_some_and(|c| c.is_alphabetic() || c == '$')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
}
