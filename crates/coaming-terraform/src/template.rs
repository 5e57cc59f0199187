//! Evaluates templates: texts with `${…}` and `%{…}`.

use std::collections::BTreeMap;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use crate::Place;
use crate::eval::{Names, Origin};
use crate::module::Module;
use crate::value::{Kind, Piece, Site, Value, shown};

/// A text that grows.
#[derive(Default)]
struct Out {
    pieces: Vec<Piece>,
    /// Whether white space of the next literal is left out (`~}`).
    trims: bool,
}

impl Out {
    /// Leaves out the white space before a marker (`{~`).
    fn trim_end(&mut self) {
        while let Some(last) = self.pieces.last_mut() {
            if last.is_unknown {
                return;
            }
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                return;
            }
            self.pieces.pop();
        }
    }

    fn open(&mut self, strip: Strip) {
        if matches!(strip, Strip::Start | Strip::Both) {
            self.trim_end();
        }
        self.trims = matches!(strip, Strip::End | Strip::Both);
    }
}

impl Module<'_> {
    /// The value of a template: that of its expression, if there is nothing else in it. A heredoc has an
    /// `indentation`, which is not part of its text.
    pub(crate) fn template_value(
        &self,
        at: Origin,
        template: &Template,
        indentation: Option<usize>,
        names: &Names<'_>,
        site: Site,
    ) -> Value {
        if let (Some(Element::Interpolation(only)), None) =
            (template.as_single_element(), indentation)
        {
            return self.eval(at, &only.expr, names);
        }
        let mut out = Out::default();
        match self.append(at, template, indentation, names, &mut out) {
            Some(()) => Value::new(Kind::Text(out.pieces), site),
            None => Value::unknown("template", site),
        }
    }

    fn append(
        &self,
        at: Origin,
        template: &Template,
        indentation: Option<usize>,
        names: &Names<'_>,
        out: &mut Out,
    ) -> Option<()> {
        let inner = indentation.unwrap_or(0);
        for element in template {
            match element {
                Element::Literal(literal) => {
                    let trims = std::mem::take(&mut out.trims);
                    self.literals(at, literal.value(), at.site(literal.span()), trims, out)?;
                }
                Element::Interpolation(it) => {
                    out.open(it.strip);
                    let value = self.eval(at, &it.expr, names);
                    let site = at.site(it.expr.span());
                    out.pieces.extend(interpolated(&value, &it.expr.to_string(), site));
                }
                Element::Directive(directive) => match directive.as_ref() {
                    Directive::If(it) => {
                        let holds = self.eval(at, &it.if_expr.cond_expr, names).as_bool()?;
                        out.open(it.if_expr.strip);
                        if holds {
                            self.nested(at, &it.if_expr.template, inner, names, out)?;
                        }
                        if let Some(other) = &it.else_expr {
                            out.open(other.strip);
                            if !holds {
                                self.nested(at, &other.template, inner, names, out)?;
                            }
                        }
                        out.open(it.endif_expr.strip);
                    }
                    Directive::For(it) => {
                        let collection = self.eval(at, &it.for_expr.collection_expr, names);
                        for (key, value) in collection.elements()? {
                            let mut own = BTreeMap::new();
                            if let Some(name) = &it.for_expr.key_var {
                                own.insert(name.value().as_str().to_owned(), key);
                            }
                            own.insert(it.for_expr.value_var.value().as_str().to_owned(), value);
                            let with = Names { own, outer: Some(names) };
                            out.open(it.for_expr.strip);
                            self.nested(at, &it.for_expr.template, inner, &with, out)?;
                        }
                        out.open(it.endfor_expr.strip);
                    }
                },
            }
        }
        Some(())
    }

    /// The template of a directive. The parser removes the indentation of a heredoc only outside of them.
    fn nested(
        &self,
        at: Origin,
        template: &Template,
        indentation: usize,
        names: &Names<'_>,
        out: &mut Out,
    ) -> Option<()> {
        self.budget.deeper(|| {
            let mut own = Out { trims: out.trims, pieces: Vec::new() };
            self.append(at, template, Some(indentation), names, &mut own)?;
            out.trims = own.trims;
            for mut piece in own.pieces {
                let is_start = out.pieces.last().is_some_and(|last| last.text.ends_with('\n'));
                if is_start && !piece.is_unknown {
                    let text = piece.text.trim_start_matches(' ');
                    let removed = (piece.text.len() - text.len()).min(indentation);
                    piece.text.drain(..removed);
                    if let Some(place) = piece.place.as_mut().filter(|place| place.verbatim) {
                        place.offset += u32::try_from(removed).unwrap_or(0);
                    }
                }
                out.pieces.push(piece);
            }
            Some(())
        })?
    }

    /// Literal text, line by line: the indentation of a heredoc is not part of it.
    fn literals(
        &self,
        at: Origin,
        text: &str,
        site: Site,
        trims: bool,
        out: &mut Out,
    ) -> Option<()> {
        self.budget.spend(1 + text.len() / 32)?;
        let kept = if trims { text.trim_start() } else { text };
        let written = match at.within {
            Some(_) => "",
            None => self
                .text_of(at.file)
                .get(site.start as usize..site.end as usize)
                .unwrap_or_default(),
        };
        let is_by_line =
            written.split_inclusive('\n').count() == text.split_inclusive('\n').count();
        let mut skipped = text.len() - kept.len();
        let mut offset = site.start;
        let mut lines = written.split_inclusive('\n');
        for line in text.split_inclusive('\n') {
            let source = lines.next().unwrap_or_default();
            let start = line.len().min(skipped);
            skipped -= start;
            let line = line.get(start..).unwrap_or_default();
            let is_same = is_by_line && source.ends_with(line);
            let before = if is_same { source.len() - line.len() } else { 0 };
            let place = Place {
                file: site.file,
                offset: offset.saturating_add(u32::try_from(before).unwrap_or(0)),
                verbatim: is_same,
            };
            if is_by_line {
                offset = offset.saturating_add(u32::try_from(source.len()).unwrap_or(0));
            }
            if !line.is_empty() {
                let place = Some(place);
                out.pieces.push(Piece {
                    text: line.to_owned(),
                    place,
                    value: None,
                    is_unknown: false,
                });
            }
        }
        Some(())
    }

    /// A literal string in quotes.
    pub(crate) fn literal(&self, at: Origin, text: &str, site: Site) -> Piece {
        let written = self.text_of(at.file).get(site.start as usize..).unwrap_or_default();
        let is_same = at.within.is_none()
            && written.strip_prefix('"').is_some_and(|written| written.starts_with(text));
        let offset = if is_same { site.start + 1 } else { site.start };
        let place = Some(Place { file: site.file, offset, verbatim: is_same });
        Piece { text: text.to_owned(), place, value: None, is_unknown: false }
    }
}

/// What an interpolated value adds to a text.
fn interpolated(value: &Value, expression: &str, site: Site) -> Vec<Piece> {
    let place = Some(site.place());
    let origin = Some(value.site.place()).filter(|_| !site.contains(value.site));
    let piece = |text: String, is_unknown| Piece { text, place, value: origin, is_unknown };
    let unknown = || vec![piece(format!("${{{}}}", shown(expression)), true)];
    match &value.kind {
        Kind::Unknown(_) | Kind::Missing(_) => unknown(),
        Kind::Text(pieces) => {
            let moved = pieces.iter().map(|it| Piece {
                place: if site.contains(value.site) { it.place } else { place },
                value: if site.contains(value.site) { it.value } else { origin },
                ..it.clone()
            });
            moved.collect()
        }
        Kind::Encoded(inner) => {
            let (pieces, is_known) = crate::emit::text(inner);
            if is_known { pieces } else { unknown() }
        }
        _ => value.as_text().map_or_else(unknown, |text| vec![piece(text, false)]),
    }
}
