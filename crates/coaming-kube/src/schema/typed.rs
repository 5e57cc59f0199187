//! The types of values in the API's own kinds, for expressions that are written against them.

use coaming_text::nearest;

use super::{Shape, shape_of, table};

/// The type of a value in an object of Kubernetes' own API.
#[derive(Clone, Copy, Debug)]
pub struct ApiType(&'static Shape);

/// What a type says of one of its fields.
#[derive(Clone, Copy, Debug)]
pub enum ApiField {
    /// The field's type.
    Known(ApiType),
    /// The type has no such field; perhaps this one was meant.
    Absent(Option<&'static str>),
    /// The type does not say: it takes anything, or is not a mapping.
    Open,
}

impl ApiType {
    /// The types of the objects of a kind, one for each version that has it; empty if it is not one of
    /// Kubernetes' own.
    #[must_use]
    pub fn of_kind(kind: &str) -> Vec<Self> {
        let roots = table().roots.iter().filter(|((_, own), _)| *own == kind);
        let mut places: Vec<usize> = roots.map(|(_, place)| *place).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| table().objects.get(place).map(Self)).collect()
    }

    /// The newest stable API version of a kind, and its type.
    #[must_use]
    pub fn stable(kind: &str) -> Option<(&'static str, Self)> {
        let roots = table().roots.iter().filter(|((_, own), _)| *own == kind);
        let version = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
        let stable = roots
            .filter(|((name, _), _)| version(name).bytes().skip(1).all(|it| it.is_ascii_digit()));
        let ((name, _), place) = stable.max_by_key(|((name, _), _)| (version(name), *name))?;
        table().objects.get(*place).map(|shape| (*name, Self(shape)))
    }

    /// What it says of a field.
    #[must_use]
    pub fn field(self, name: &str) -> ApiField {
        match self.0 {
            Shape::Map(value) => ApiField::Known(Self(value)),
            Shape::Object(place) => {
                let Some(fields) = table().types.get(*place) else { return ApiField::Open };
                match shape_of(fields, name) {
                    Some(shape) => ApiField::Known(Self(shape)),
                    None => ApiField::Absent(nearest(name, fields.iter().map(|(field, _)| *field))),
                }
            }
            _ => ApiField::Open,
        }
    }

    /// The type of its items, if it is a list.
    #[must_use]
    pub fn item(self) -> Option<Self> {
        match self.0 {
            Shape::List(item) => Some(Self(item)),
            _ => None,
        }
    }

    /// The type of its values, if it is a mapping with any keys.
    #[must_use]
    pub fn value(self) -> Option<Self> {
        match self.0 {
            Shape::Map(value) => Some(Self(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_know_their_fields() {
        let [deployment] = ApiType::of_kind("Deployment")[..] else { panic!("one version") };
        let at = |path: &[&str]| {
            path.iter().try_fold(deployment, |of, field| match of.field(field) {
                ApiField::Known(of) => Some(of),
                _ => None,
            })
        };
        let container = at(&["spec", "template", "spec", "containers"]).unwrap().item().unwrap();
        assert!(matches!(container.field("image"), ApiField::Known(_)));
        assert!(matches!(container.field("imag"), ApiField::Absent(Some("image"))));
        assert!(matches!(at(&["status"]).unwrap().field("x"), ApiField::Open));
        assert!(at(&["metadata", "labels", "any"]).is_some());
        assert!(ApiType::of_kind("Widget").is_empty());
        let versions = ["Deployment", "Secret", "HorizontalPodAutoscaler", "Widget"];
        let versions = versions.map(|kind| ApiType::stable(kind).map(|(version, _)| version));
        assert_eq!(versions, [Some("apps/v1"), Some("v1"), Some("autoscaling/v2"), None]);
    }
}
