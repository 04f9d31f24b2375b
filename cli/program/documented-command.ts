// A command whose help also lists the environment variables that it reads, and examples.
import { Command, Help, type Option } from 'commander';

/** Variable → what it is. */
export type Variables = Readonly<Record<string, string>>;

export class DocumentedCommand extends Command {
  #variables: Variables = {};
  #examples: readonly string[] = [];

  get variables(): Variables {
    return this.#variables;
  }

  /** Command lines as they are typed. */
  get examples(): readonly string[] {
    return this.#examples;
  }

  reads(variables: Variables): this {
    this.#variables = { ...this.#variables, ...variables };
    return this;
  }

  example(...lines: readonly string[]): this {
    this.#examples = [...this.#examples, ...lines];
    return this;
  }

  override createCommand(name?: string): DocumentedCommand {
    return new DocumentedCommand(name);
  }

  override createHelp(): Help {
    return Object.assign(new DocumentedHelp(), this.configureHelp());
  }
}

class DocumentedHelp extends Help {
  /** A default that says nothing is left out: false for a flag, none for an option that may be given several times. */
  override optionDescription(option: Option): string {
    const defaultValue: unknown = option.defaultValue;
    const { defaultValueDescription } = option;
    const saysNothing = defaultValue === false || defaultValue === '' || Array.isArray(defaultValue);
    return saysNothing && defaultValueDescription === undefined
      ? option.description
      : super.optionDescription(option);
  }

  override formatHelp(command: Command, helper: Help): string {
    const text = super.formatHelp(command, helper);
    if (!(command instanceof DocumentedCommand)) return text;
    const variables = Object.entries(command.variables);
    const width = Math.max(0, ...variables.map(([name]) => name.length));
    const items = variables.map(([name, what]) => helper.formatItem(name, width, what, helper));
    const examples = command.examples.map((line) => `  $ ${line}`);
    return [
      text,
      ...(items.length > 0 ? helper.formatItemList('Environment:', items, helper) : []),
      ...(examples.length > 0 ? helper.formatItemList('Examples:', examples, helper) : []),
    ].join('\n');
  }
}
