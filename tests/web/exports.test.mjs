/** What the types declare is what the modules have: no more, no less. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const WEB = new URL("../../edge/web/", import.meta.url);

/** The names of all values, not types, that a declaration file exports. */
function declared(file) {
  const path = fileURLToPath(new URL(file, WEB));
  const program = ts.createProgram([path], {
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    module: ts.ModuleKind.ESNext,
    types: [],
  });
  const checker = program.getTypeChecker();
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)));
  return symbols
    .filter((symbol) => symbol.flags & ts.SymbolFlags.Value)
    .map((symbol) => symbol.name)
    .sort();
}

for (const name of ["endcap", "endcap-react"]) {
  test(`${name}.d.ts declares the exports of ${name}.js`, async () => {
    const real = await import(new URL(`${name}.js`, WEB));
    assert.deepEqual(declared(`${name}.d.ts`), Object.keys(real).sort());
  });

  test(`the functions of ${name}.js take as many arguments as declared`, async () => {
    const path = fileURLToPath(new URL(`${name}.d.ts`, WEB));
    const program = ts.createProgram([path], {
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      module: ts.ModuleKind.ESNext,
      types: [],
    });
    const checker = program.getTypeChecker();
    const real = await import(new URL(`${name}.js`, WEB));
    for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)))) {
      if (!(symbol.flags & ts.SymbolFlags.Function)) continue;
      const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures();
      const required = signature.parameters.filter((one) => !one.valueDeclaration.questionToken).length;
      assert.equal(real[symbol.name].length, required, symbol.name); // JavaScript counts up to the first default
    }
  });
}
