/** Prints, as JSON, the members of each interface that endcap.d.ts exports: `{"AddDetail": ["product", ...], ...}`. */

import { fileURLToPath } from "node:url";
import ts from "typescript";

const path = fileURLToPath(new URL("../../edge/web/endcap.d.ts", import.meta.url));
const program = ts.createProgram([path], { types: [] });
const found = {};
program.getSourceFile(path).forEachChild((node) => {
  if (ts.isInterfaceDeclaration(node)) found[node.name.text] = node.members.map((member) => member.name.text).sort();
});
console.log(JSON.stringify(found));
