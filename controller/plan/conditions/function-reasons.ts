// The reasons of FunctionReady and ScalerReady, as the controller checks.
import type { ReasonRow } from './reason-row.ts';

export const functionReasons = {
  External: {
    of: ['FunctionReady'],
    meaning: 'Events go to a URI. Nothing is scaled.',
    remedy: '',
  },
  ServiceExists: {
    of: ['FunctionReady'],
    meaning: 'Events go to the ready endpoints of a Service. Nothing is scaled.',
    remedy: '',
  },
  ServiceMissing: {
    of: ['FunctionReady'],
    meaning: 'The Service that `function.service` names does not exist.',
    remedy: 'Create it in the namespace of the Trigger.',
  },
  ServiceNotSupported: {
    of: ['FunctionReady'],
    meaning:
      'The Service that `function.service` names has no endpoints by which a record could be delivered.',
    remedy:
      'Name another Service: one that selects pods, with a TCP port. For a host outside, write `function.uri`.',
  },
  WorkloadExists: {
    of: ['FunctionReady'],
    meaning: 'Events go to the ready pods of the workload.',
    remedy: '',
  },
  RolloutPaused: {
    of: ['FunctionReady'],
    meaning:
      'Events go to the ready pods of the Deployment. Its `spec.paused` is true, so changes of its pods wait.',
    remedy: 'Set `spec.paused` to false when the changes are to be rolled out.',
  },
  WorkloadMissing: {
    of: ['FunctionReady', 'ScalerReady'],
    meaning: 'The workload that `function.ref` names does not exist.',
    remedy: 'Create it in the namespace of the Trigger.',
  },
  KindNotServed: {
    of: ['FunctionReady', 'ScalerReady'],
    meaning: 'The API server does not know the kind that `function.ref` names.',
    remedy: 'Correct `apiVersion` and `kind`, or install the CRD of the kind.',
  },
  KindNotScalable: {
    of: ['FunctionReady', 'ScalerReady'],
    meaning: 'The kind that `function.ref` names has no scale subresource.',
    remedy:
      'Name a kind that has one, such as a Deployment or StatefulSet, or a Service in `function.service`.',
  },
  ScaleForbidden: {
    of: ['FunctionReady', 'ScalerReady'],
    meaning: 'The controller may not read the scale subresource of the workload.',
    remedy:
      'Grant the right that the message names to the ServiceAccount of the scaler. The chart grants it for all kinds.',
  },
  SelectorNotSupported: {
    of: ['FunctionReady'],
    meaning: 'The workload selects its pods by more than equal labels, which a Service cannot do.',
    remedy: 'Select by labels alone, or create a Service for the pods and name it in `function.service`.',
  },
  ServiceNotOurs: {
    of: ['FunctionReady'],
    meaning: 'A Service that Millrace did not make has the name that the Trigger’s own Service needs.',
    remedy: 'Delete it, or name it in `function.service`.',
  },
  ServiceRefused: {
    of: ['FunctionReady'],
    meaning: 'The API server refuses the Service of the Trigger. The message says why.',
    remedy:
      'Remove the cause: a missing right, a quota, an admission policy. Millrace tries again by itself.',
  },
  RolloutStuck: {
    of: ['FunctionReady'],
    meaning: 'The rollout of the Deployment does not progress.',
    remedy: 'See `kubectl describe` of the Deployment and its pods.',
  },
  NoPodReady: {
    of: ['FunctionReady'],
    meaning:
      'No pod of the Deployment is ready, for two minutes now. Records are held, and no attempts are charged.',
    remedy: 'See `kubectl describe pods`, and the logs of the pods.',
  },

  Scaled: { of: ['ScalerReady'], meaning: 'KEDA scales the workload.', remedy: '' },
  NotScaled: {
    of: ['ScalerReady'],
    meaning: 'The function is a Service or a URI, so nothing is scaled.',
    remedy: '',
  },
  Paused: {
    of: ['ScalerReady'],
    meaning: 'An annotation on the ScaledObject pauses scaling.',
    remedy: 'Remove the annotation to continue.',
  },
  ScalerUnnamed: {
    of: ['ScalerReady'],
    meaning: 'The controller does not know how KEDA reaches the scaler, or by which CA it trusts it.',
    remedy: 'Set SCALER_SERVICE (the chart does). If SCALER_TLS_CA is set, check that its file can be read.',
  },
  KedaMissing: {
    of: ['ScalerReady'],
    meaning: 'KEDA is not installed. Records are delivered, but nothing is scaled.',
    remedy: 'Install KEDA: Millrace finds it by itself.',
  },
  TargetTaken: {
    of: ['ScalerReady'],
    meaning: 'An older Trigger scales this workload.',
    remedy: 'Name several topics in one Trigger, or give this one a workload of its own.',
  },
  ConfigMapNotOurs: {
    of: ['ScalerReady'],
    meaning: 'A ConfigMap that Millrace did not make has the name of the one for the CA of the scaler.',
    remedy: 'Delete or rename it.',
  },
  TriggerAuthenticationNotOurs: {
    of: ['ScalerReady'],
    meaning: 'A TriggerAuthentication that Millrace did not make has the name of the one for the scaler.',
    remedy: 'Delete or rename it.',
  },
  ScaledObjectNotOurs: {
    of: ['ScalerReady'],
    meaning: 'A ScaledObject that Millrace did not make has the name of the Trigger’s own.',
    remedy: 'Delete it, or give the Trigger another name.',
  },
  ConfigMapRefused: {
    of: ['ScalerReady'],
    meaning: 'The API server refuses the ConfigMap with the CA of the scaler. The message says why.',
    remedy: 'Remove the cause. Millrace tries again by itself.',
  },
  TriggerAuthenticationRefused: {
    of: ['ScalerReady'],
    meaning: 'The API server refuses the TriggerAuthentication for the scaler. The message says why.',
    remedy: 'Remove the cause. Millrace tries again by itself.',
  },
  ScaledObjectRefused: {
    of: ['ScalerReady'],
    meaning: 'The API server, or a webhook of KEDA, refuses the ScaledObject. The message says why.',
    remedy: 'Remove the cause. Millrace tries again by itself.',
  },
  ScalerUnreachable: {
    of: ['ScalerReady'],
    meaning: 'The scaler does not answer through its Service, so that no ScaledObject is made yet.',
    remedy: 'Check that a pod of the scaler is ready, and that no NetworkPolicy blocks it.',
  },
  Creating: {
    of: ['ScalerReady'],
    meaning: 'The ScaledObject is being created.',
    remedy: 'It passes within seconds.',
  },
  WaitingForKeda: {
    of: ['ScalerReady'],
    meaning: 'KEDA has not processed the ScaledObject yet.',
    remedy: 'If it lasts, check that its operator runs and watches the namespace.',
  },
  KedaRefuses: {
    of: ['ScalerReady'],
    meaning: 'KEDA does not scale by the ScaledObject, and the message has its reason.',
    remedy:
      'See `kubectl describe scaledobject`, and the log of KEDA’s operator. For a kind of your own, KEDA needs rights to its scale subresource.',
  },
  FallbackActive: {
    of: ['ScalerReady'],
    meaning: 'KEDA cannot get the backlog. The replicas stay as they are.',
    remedy: 'See the condition SourceReady, and the log of the scaler.',
  },
} as const satisfies Record<string, ReasonRow>;
