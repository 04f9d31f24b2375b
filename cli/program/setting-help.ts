// The settings of the processes that run in a cluster, for the help of the commands that start them.
import type { Settings } from '../../core/process/settings.ts';
import type { Variables } from './documented-command.ts';

/** Command → the variables that it reads. */
export type SettingHelp = Readonly<Record<'gateway' | 'scaler' | 'cleanup', Variables>>;

/** Loads the tables of settings, which takes longer than everything else that a help text needs. */
export async function readSettingHelp(): Promise<SettingHelp> {
  const [gateway, scaler, controller] = await Promise.all([
    import('../../gateway/config.ts'),
    import('../../scaler/config.ts'),
    import('../../controller/config.ts'),
  ]);
  return {
    gateway: inShort(gateway.gatewaySettings),
    scaler: inShort(scaler.scalerSettings),
    cleanup: inShort(controller.controllerSettings),
  };
}

/** The first sentence of each: docs/reference/configuration.md has all of it. */
function inShort(settings: Settings): Variables {
  const entries = Object.entries(settings).map(([name, { help, default: fallback }]) => {
    const sentence = help.split(/(?<=\.) (?=[A-Z`])/, 1).join('');
    return [name, fallback === undefined ? sentence : `${sentence} Default: ${fallback}`] as const;
  });
  return Object.fromEntries(entries);
}
