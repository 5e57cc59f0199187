//! Read container images in one streaming pass into facts: packages, utilities, setuid files, credentials.
