#!/usr/bin/env -S node --max-semi-space-size=32
// `millrace`: the process. It exits with 0 after a success, 1 after a failure, and 2 if it was used wrongly.
import { CommanderError } from 'commander';
import { wrongUseCode } from './command-io.ts';
import { createProgram } from './program/create-program.ts';
import { readSettingHelp } from './program/setting-help.ts';

const isHelp = process.argv.slice(2).some((word) => ['help', '-h', '--help'].includes(word));
const program = createProgram(isHelp ? await readSettingHelp() : undefined);
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // What it is was printed already.
  process.exitCode = error.exitCode === 0 ? 0 : wrongUseCode;
}
