//! Where a rendered byte comes from: a place in a template and a place in a values file.

/// A byte of one of the files that a rendering reads. File 0 means that the place is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// One more than the index in the rendering's list of files.
    pub(crate) file: u16,
    /// Whether the following bytes come from the following bytes of the file: a template's text
    /// and scalars that are written verbatim. Otherwise, all come from the node at `offset`.
    pub(crate) verbatim: bool,
    /// The byte in the file.
    pub(crate) offset: u32,
}

impl Place {
    fn is_known(self) -> bool {
        self.file != 0
    }

    fn advanced(self, by: usize) -> Self {
        if !self.verbatim {
            return self;
        }
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        Self { offset: self.offset.saturating_add(by), ..self }
    }
}

/// What produced a value or a part of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The innermost template node.
    pub(crate) template: Place,
    /// The node in a values file, if the value is from one.
    pub(crate) value: Place,
    /// Whether a random function made it, so that every installation has another value.
    pub(crate) generated: bool,
}

impl Origin {
    /// An origin in a template.
    pub(crate) fn template(file: u16, offset: usize, verbatim: bool) -> Self {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        Self { template: Place { file, verbatim, offset }, ..Self::default() }
    }

    /// The origin of a value that a random function made.
    pub(crate) fn random() -> Self {
        Self { generated: true, ..Self::default() }
    }

    /// Whether a values file has it.
    pub(crate) fn is_of_value(self) -> bool {
        self.value.is_known()
    }

    /// This origin, completed by that of the node around it.
    pub(crate) fn or(self, outer: Self) -> Self {
        Self {
            template: if self.template.is_known() { self.template } else { outer.template },
            value: if self.value.is_known() { self.value } else { outer.value },
            generated: self.generated || outer.generated,
        }
    }

    /// The origin of the byte that is `by` bytes further in the same text.
    pub(crate) fn advanced(self, by: usize) -> Self {
        Self { template: self.template.advanced(by), value: self.value.advanced(by), ..self }
    }
}
