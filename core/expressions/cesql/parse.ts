// Text → syntax tree (CESQL 1.0, sections 2 and 3.6), by recursive descent: one method for each level of precedence.
import { parseInteger } from './cast.ts';
import type {
  ArithmeticOperator,
  Call,
  Chain,
  ComparisonOperator,
  Expression,
  LogicOperator,
} from './syntax-tree.ts';
import { quote, type CesqlError } from './cesql-outcome.ts';
import { tokenize, type Token } from './tokenize.ts';

/** In UTF-16 units. It bounds the cost of an expression, and the depth of chains of LIKE and IN. */
const maxSourceLength = 4096;
/** The most nested parentheses, calls and unary operators. */
const maxDepth = 64;

export type Parsed =
  | { readonly kind: 'parsed'; readonly expression: Expression; readonly calls: readonly Call[] }
  | { readonly kind: 'invalid'; readonly error: CesqlError };

const reserved = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'EXISTS', 'IN', 'TRUE', 'FALSE']);
const logicOperators: readonly LogicOperator[] = ['AND', 'OR', 'XOR'];
const comparisonOperators: readonly ComparisonOperator[] = ['=', '!=', '<>', '<', '<=', '>', '>='];
const sumOperators: readonly ArithmeticOperator[] = ['+', '-'];
const productOperators: readonly ArithmeticOperator[] = ['*', '/', '%'];

/** Never throws, and never recurses deeper than its limits, whatever the text is. */
export function parse(source: string): Parsed {
  if (source.length > maxSourceLength)
    return refuse(
      `it has ${source.length} characters, but at most ${maxSourceLength} are allowed`,
      maxSourceLength,
    );
  const halfAt = source.search(/\p{Surrogate}/u);
  if (halfAt !== -1) return refuse('half of a surrogate pair is not a character', halfAt);
  const tokenized = tokenize(source);
  return tokenized.kind === 'invalid' ? tokenized : new Parser(tokenized.tokens, source.length).parse();
}

function refuse(message: string, at: number): { readonly kind: 'invalid'; readonly error: CesqlError } {
  return { kind: 'invalid', error: { code: 'parse', message, at } };
}

/** Only the first error is kept. After it the parser sees only the end of the text, so it returns without exceptions. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  readonly #calls: Call[] = [];
  #position = 0;
  #depth = 0;
  #error: CesqlError | undefined;

  constructor(tokens: readonly Token[], sourceLength: number) {
    this.#tokens = tokens;
    this.#end = { kind: 'end', text: '', at: sourceLength };
  }

  parse(): Parsed {
    const expression = this.#logic();
    if (this.#peek().kind !== 'end') this.#expected('an operator or the end');
    if (this.#error !== undefined) return { kind: 'invalid', error: this.#error };
    return { kind: 'parsed', expression, calls: this.#calls };
  }

  // AND, OR and XOR have the same precedence, and associate to the left (section 3.6).
  #logic(): Expression {
    const chain = this.#chain(logicOperators, () => this.#comparison());
    return chain.steps.length === 0 ? chain.first : { kind: 'logic', ...chain };
  }

  #comparison(): Expression {
    const chain = this.#chain(comparisonOperators, () => this.#sum());
    return chain.steps.length === 0 ? chain.first : { kind: 'comparison', ...chain };
  }

  #sum(): Expression {
    const chain = this.#chain(sumOperators, () => this.#product());
    return chain.steps.length === 0 ? chain.first : { kind: 'arithmetic', ...chain };
  }

  #product(): Expression {
    const chain = this.#chain(productOperators, () => this.#test());
    return chain.steps.length === 0 ? chain.first : { kind: 'arithmetic', ...chain };
  }

  #chain<Operator extends string>(
    operators: readonly Operator[],
    operand: () => Expression,
  ): Chain<Operator> {
    const first = operand();
    const steps = [];
    let operator = this.#takeOneOf(operators);
    while (operator !== undefined) {
      steps.push({ operator, operand: operand() });
      operator = this.#takeOneOf(operators);
    }
    return { first, steps };
  }

  /** LIKE and IN have a higher precedence than the binary operators. */
  #test(): Expression {
    let operand = this.#unary();
    for (;;) {
      const isNegated = this.#take('NOT');
      let test: Expression;
      if (this.#take('LIKE')) test = { kind: 'like', operand, pattern: this.#string() };
      else if (this.#take('IN')) test = { kind: 'in', operand, elements: this.#elements() };
      else {
        if (isNegated) this.#expected('LIKE or IN after NOT');
        return operand;
      }
      operand = isNegated ? { kind: 'not', operand: test } : test;
    }
  }

  #unary(): Expression {
    if (this.#take('NOT')) return { kind: 'not', operand: this.#nested(() => this.#unary()) };
    const sign = this.#peek();
    if (sign.kind === 'symbol' && (sign.text === '-' || sign.text === '+')) {
      const next = this.#peek(1);
      if (isDigits(next) && next.at === sign.at + 1) {
        this.#position += 2;
        return this.#integer(sign.text + next.text, sign.at);
      }
      if (this.#take('-')) return { kind: 'negate', operand: this.#nested(() => this.#unary()) };
    }
    return this.#primary();
  }

  #primary(): Expression {
    if (this.#take('(')) {
      const expression = this.#nested(() => this.#logic());
      this.#require(')');
      return expression;
    }
    if (this.#take('EXISTS')) return { kind: 'exists', name: this.#attributeName() };
    const token = this.#peek();
    if (token.kind === 'string') return { kind: 'literal', value: this.#string() };
    if (this.#take('TRUE')) return { kind: 'literal', value: true };
    if (this.#take('FALSE')) return { kind: 'literal', value: false };
    if (isDigits(token)) {
      this.#position += 1;
      return this.#integer(token.text, token.at);
    }
    if (token.kind !== 'word' || reserved.has(token.text)) return this.#expected('a value');
    return is(this.#peek(1), '(') ? this.#call() : { kind: 'attribute', name: this.#attributeName() };
  }

  #call(): Expression {
    const { text: name, at } = this.#peek();
    this.#position += 1;
    if (!/^[A-Z][A-Z_]*$/.test(name))
      return this.#fail(`${name} is not a name of a function: these have letters and _ only`, at);
    const call: Call = { kind: 'call', name, parameters: this.#elements({ canBeEmpty: true }) };
    this.#calls.push(call);
    return call;
  }

  /** In parentheses. A set has at least one element. */
  #elements({ canBeEmpty = false } = {}): Expression[] {
    this.#require('(');
    if (canBeEmpty && this.#take(')')) return [];
    const elements: Expression[] = [];
    do elements.push(this.#nested(() => this.#logic()));
    while (this.#take(','));
    this.#require(')');
    return elements;
  }

  #nested(parse: () => Expression): Expression {
    if (this.#depth === maxDepth)
      return this.#fail(`it is nested deeper than ${maxDepth} levels`, this.#peek().at);
    this.#depth += 1;
    const expression = parse();
    this.#depth -= 1;
    return expression;
  }

  #attributeName(): string {
    const token = this.#peek();
    if (token.kind !== 'word' || reserved.has(token.text) || isDigits(token) || token.text.includes('_'))
      this.#expected('the name of an attribute (letters and digits)');
    else this.#position += 1;
    return token.text.toLowerCase();
  }

  #string(): string {
    const token = this.#peek();
    if (token.kind === 'string') this.#position += 1;
    else this.#expected('a string in quotes');
    return token.text;
  }

  #integer(text: string, at: number): Expression {
    const value = parseInteger(text);
    return value === undefined
      ? this.#fail(`${text} is not a 32-bit integer`, at)
      : { kind: 'literal', value };
  }

  #peek(ahead = 0): Token {
    return this.#tokens[this.#position + ahead] ?? this.#end;
  }

  /** Consumes the next token if it is this keyword or symbol; returns whether it was. */
  #take(text: string): boolean {
    const isNext = is(this.#peek(), text);
    if (isNext) this.#position += 1;
    return isNext;
  }

  #takeOneOf<Operator extends string>(operators: readonly Operator[]): Operator | undefined {
    return operators.find((operator) => this.#take(operator));
  }

  #require(symbol: string): void {
    if (!this.#take(symbol)) this.#expected(symbol);
  }

  #expected(what: string): Expression {
    const { kind, text, at } = this.#peek();
    const found = kind === 'end' ? 'the end' : kind === 'string' ? `the string ${quote(text)}` : text;
    return this.#fail(`expected ${what}, found ${found}`, at);
  }

  #fail(message: string, at: number): Expression {
    this.#error ??= { code: 'parse', message, at };
    this.#position = this.#tokens.length;
    return { kind: 'literal', value: false };
  }
}

function is(token: Token, text: string): boolean {
  return token.text === text && (token.kind === 'word' || token.kind === 'symbol');
}

function isDigits(token: Token): boolean {
  return token.kind === 'word' && /^[0-9]+$/.test(token.text);
}
