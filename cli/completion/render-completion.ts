// The completion script of each shell. Pure.
import { renderBash } from './render-bash.ts';
import { renderFish } from './render-fish.ts';
import { renderZsh } from './render-zsh.ts';
import type { ProgramWords } from './completion-words.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

export function renderCompletion(shell: Shell, words: ProgramWords): string {
  switch (shell) {
    case 'bash':
      return renderBash(words);
    case 'zsh':
      return renderZsh(words);
    case 'fish':
      return renderFish(words);
  }
}
