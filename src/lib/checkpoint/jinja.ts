import { Environment, Interpreter, Template } from '@huggingface/jinja';

/**
 * Chat templates as Python's Jinja renders them, where @huggingface/jinja 0.5 differs: a boolean becomes "True" or "False",
 * not "true" or "false". The library's classes are corrected once, since it exports no other way in.
 */

interface Value {
  type: string;
  value: unknown;
  toString(): string;
}
interface Binary {
  operator: { value: string };
  left: unknown;
  right: unknown;
}
interface Inside {
  evaluate(node: unknown, environment: unknown): Value;
  evaluateBlock(nodes: readonly unknown[], environment: unknown): Value;
  evaluateBinaryExpression: (node: Binary, environment: unknown) => Value;
}

let corrected = false;
function correct(): void {
  if (corrected) return;
  corrected = true;
  const boolean = Object.getPrototypeOf(new Environment().set('x', true)) as Value;
  boolean.toString = function (this: Value) {
    return this.value === true ? 'True' : 'False';
  };
  const inside = Interpreter.prototype as unknown as Inside;
  const { evaluateBinaryExpression: before } = inside;
  inside.evaluateBinaryExpression = function (this: Inside, node, environment) {
    // A block of two expressions is their texts behind each other; what has no text is left to the library.
    const booleans =
      node.operator.value === '~' &&
      [node.left, node.right].some((side) => this.evaluate(side, environment).type === 'BooleanValue');
    return booleans ? this.evaluateBlock([node.left, node.right], environment) : before.call(this, node, environment);
  };
}

/** A template, ready to be rendered. Throws the library's error where it cannot be read. */
export function createTemplate(source: string): Template {
  correct();
  return new Template(source);
}
