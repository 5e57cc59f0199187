//! NetworkPolicy semantics: reachability, explanation, difference, synthesis.
