//! Users' own rules: CEL expressions and ValidatingAdmissionPolicy, evaluated offline.
