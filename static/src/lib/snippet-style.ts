// The style of <sandpiper-snippet> inside its shadow: the design system's own
// sheets, with the element in the place of the page.

import controls from "../css/controls.css" with { type: "text" };
import output from "../css/output.css" with { type: "text" };
import snippet from "../css/snippet.css" with { type: "text" };
import tokens from "../css/tokens.css" with { type: "text" };

export const snippetStyle = [tokens.replaceAll(":root", ".snippet"), controls, output, snippet].join("\n");
