"""Makes every HTML page of this product: one document, one style sheet, the pieces of markup that pages share."""
