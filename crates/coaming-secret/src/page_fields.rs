//! Fields of web pages that a test or a robot fills in: `page.type('#password', 'x')`,
//! `locator('#password').fill('x')`, `By.id("password")).sendKeys("x")`, `fill_in 'Password',
//! with: 'x'`.
//!
//! Starts at the name within the selector. Only a literal counts, and what is read is bounded.

use std::ops::Range;

use crate::assignment::line_before;
use crate::code::literal;

/// How much is read after the name.
const MAX_CALL: usize = 120;

/// Calls that take the selector, and then the text.
const WITH_SELECTOR: &[&[u8]] = &[b".type(", b".fill(", b".setValue(", b".input(", b"fill_in"];

/// Methods of a field that take the text.
const OF_FIELD: &[&[u8]] = &[
    b".type(",
    b".fill(",
    b".clear().type(",
    b".sendKeys(",
    b".send_keys(",
    b".setValue(",
    b".set_value(",
    b".pressSequentially(",
    b".val(",
];

/// The literal that is filled into the field in whose selector the name is.
pub(crate) fn filled(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let window = text.get(name.end..text.len().min(name.end + MAX_CALL))?;
    let is_closing = |byte: &&u8| b"\"'`]\\".contains(byte);
    let closing = window.iter().take_while(is_closing).count();
    let has_quote = window.get(..closing)?.iter().any(|byte| b"\"'`".contains(byte));
    let rest = window.get(closing..).filter(|_| has_quote)?;
    let at = |rest: &[u8]| name.end + window.len() - rest.len();
    if let Some(arguments) = rest.strip_prefix(b",") {
        let line = line_before(text, name.start);
        let is_filled = WITH_SELECTOR.iter().any(|call| crate::pem::find(line, call).is_some());
        let value = arguments.trim_ascii_start();
        let value = value.strip_prefix(b"with:").unwrap_or(value);
        return literal(text, at(value)).filter(|_| is_filled);
    }
    let after = rest.strip_prefix(b")")?;
    let after = after.strip_prefix(b")").unwrap_or(after);
    let value = OF_FIELD.iter().find_map(|method| after.strip_prefix(*method))?;
    literal(text, at(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let start = text.to_lowercase().find("password")?;
        text.get(filled(text.as_bytes(), &(start..start + "password".len()))?)
    }

    #[test]
    fn fields_that_are_filled_in() {
        for text in [
            "await page.type('#password', 'x1');",
            "page.fill('input[name=\"password\"]', 'x1')",
            "page.locator('#password').fill('x1')",
            "cy.get('#password').clear().type(\"x1\")",
            "driver.findElement(By.id(\"password\")).sendKeys(\"x1\");",
            "driver.find_element(By.NAME, 'password').send_keys('x1')",
            "fill_in 'Password', with: 'x1'",
            "fill_in('Password', with: 'x1')",
        ] {
            assert_eq!(found(text), Some("x1"), "{text}");
        }
        for text in [
            "page.type('#password', user.password)",
            "page.waitForSelector('#password', 'x1')",
            "cy.get('#password').should('be.visible2')",
            "t('password', 'x1')",
            "locator('#password').fill(env.X)",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
