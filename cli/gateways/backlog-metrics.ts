// The backlogs of triggers among the metrics of a scaler. Pure.

/** `namespace/name` → records. A trigger whose backlog the scaler does not know is not there. */
export function readBacklogs(metrics: string): ReadonlyMap<string, number> {
  const backlogs = new Map<string, number>();
  for (const [, labels = '', value] of metrics.matchAll(/^millrace_scaler_backlog_records\{(.*)\} (\S+)/gm)) {
    const namespace = labelIn(labels, 'namespace');
    const trigger = labelIn(labels, 'trigger');
    if (namespace !== undefined && trigger !== undefined)
      backlogs.set(`${namespace}/${trigger}`, Number(value));
  }
  return backlogs;
}

/** Names in Kubernetes have nothing that Prometheus would escape. */
function labelIn(labels: string, name: string): string | undefined {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];
}
