// What tests/layers.mjs reads out of sources: imports, circles, globals of a page, and what a README says first.

/**
 * Imports of a source text: where from, and whether a value comes with it. A circle of types alone holds nothing up, and an
 * import that is asked for while the program runs brings a value like any other.
 */
export function importsOf(text) {
  const found = [];
  for (const [, clause, from] of text.matchAll(
    /^[ \t]*(?:(?:import|export)\b([^'"`;()=]*?)\bfrom|import)[ \t]*['"]([^'"\n]+)['"]/gm,
  ))
    found.push({ from, value: clause === undefined || !isTypesAlone(clause) });
  for (const [, type, from] of text.matchAll(/(\btypeof\s+)?\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g))
    found.push({ from, value: type === undefined });
  return found;
}

/** `type { A }`, or `{ type A, type B }` with nothing beside. */
function isTypesAlone(clause) {
  if (/^\s*type\b/.test(clause)) return true;
  const named = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  const names = named?.split(',').filter((name) => name.trim() !== '') ?? [];
  return names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** Groups of files that reach each other by `next`, each sorted (Tarjan 1972). */
export function circlesOf(nodes, next) {
  const state = new Map();
  const stack = [];
  const circles = [];
  const visit = (node) => {
    const own = { index: state.size, low: state.size, open: true };
    state.set(node, own);
    stack.push(node);
    for (const to of next(node)) {
      const other = state.get(to);
      if (!other) own.low = Math.min(own.low, visit(to).low);
      else if (other.open) own.low = Math.min(own.low, other.index);
    }
    if (own.low === own.index) {
      const circle = stack.splice(stack.indexOf(node));
      for (const member of circle) state.get(member).open = false;
      if (circle.length > 1) circles.push(circle.sort());
    }
    return own;
  };
  for (const node of nodes) if (!state.has(node)) visit(node);
  return circles.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** Edges of an acyclic graph that do not follow from others: node -> set of nodes, both ways. */
export function withoutDetours(edges) {
  const reach = new Map();
  const reachable = (node) => {
    const known = reach.get(node);
    if (known) return known;
    const all = new Set();
    for (const to of edges.get(node) ?? []) {
      all.add(to);
      for (const far of reachable(to)) all.add(far);
    }
    reach.set(node, all);
    return all;
  };
  return new Map(
    [...edges].map(([node, to]) => [node, [...to].filter((x) => ![...to].some((y) => y !== x && reachable(y).has(x)))]),
  );
}

/**
 * Globals of a page that a source names, by their lines: not members or keys of that name, nor what the file itself calls so.
 * @param ts the TypeScript module
 */
export function pageGlobals(ts, text, names) {
  const file = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const found = [];
  const visit = (node) => {
    if (ts.isIdentifier(node) && names.includes(node.text) && isUsed(ts, node) && !isLocal(ts, node))
      found.push({ name: node.text, line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1 });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isUsed(ts, node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node)
    return ts.isIdentifier(parent.expression) && /^(?:self|globalThis)$/.test(parent.expression.text);
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  // A name that is declared, a key, or a type.
  return parent.name !== node && parent.propertyName !== node && !ts.isTypeReferenceNode(parent);
}

/** Whether a block, a function or the file around a name declares it. */
function isLocal(ts, node) {
  const binds = (name) =>
    ts.isIdentifier(name)
      ? name.text === node.text
      : name.elements.some((element) => !ts.isOmittedExpression(element) && binds(element.name));
  const declares = (statement) =>
    ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.some(({ name }) => binds(name))
      : ts.isFunctionDeclaration(statement) && statement.name?.text === node.text;
  for (let at = node.parent; at; at = at.parent) {
    if (at.parameters?.some(({ name }) => binds(name))) return true;
    if (at.statements?.some(declares)) return true;
    if (at.initializer && ts.isVariableDeclarationList(at.initializer))
      if (at.initializer.declarations.some(({ name }) => binds(name))) return true;
    if (at.importClause?.namedBindings?.elements?.some(({ name }) => binds(name))) return true;
  }
  return false;
}

/** The first sentence behind a README's title; empty where there is none. */
export function firstSentence(markdown) {
  const paragraph = /^(?!#)(?:.+\n?)+/m.exec(markdown.replace(/^#.*$/gm, ''))?.[0] ?? '';
  const text = paragraph.trim().replace(/\s+/g, ' ');
  return /^.*?[.?!](?=\s|$)/.exec(text)?.[0] ?? text;
}
