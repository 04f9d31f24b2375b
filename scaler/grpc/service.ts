// KEDA's external scaler service: translates between the proto and Demand, and decides nothing.
import { isDeepStrictEqual } from 'node:util';
import {
  status,
  type handleServerStreamingCall as HandleStream,
  type handleUnaryCall as HandleUnary,
  type ServerErrorResponse,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { describeError, MillraceError } from '../../gateway/contract/errors.ts';
import type { Demand } from '../activation/demand.ts';
import type { EmitScaler } from '../events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import type {
  GetMetricSpecResponse,
  GetMetricsRequest,
  GetMetricsResponse,
  IsActiveResponse,
  ScaledObjectRef,
} from './definition.ts';

export interface ExternalScalerOptions {
  readonly demand: Demand;
  readonly triggers: WantedTriggers;
  readonly emit: EmitScaler;
}

export interface ExternalScaler {
  readonly handlers: UntypedServiceImplementation;
  /**
   * Ends all streams with OK: KEDA opens a stream that ended so again after 2 s; after an error it waits up
   * to a minute.
   */
  endStreams(): void;
}

export function createExternalScaler(options: ExternalScalerOptions): ExternalScaler {
  const { demand, emit, triggers } = options;
  const streams = new Set<ServerWritableStream<ScaledObjectRef, unknown>>();
  const specOf = (key: string): GetMetricSpecResponse => {
    const { metricName, targetSize } = demand.metricSpec(key);
    return { metricSpecs: [{ metricName, targetSize, targetSizeFloat: targetSize }] };
  };

  const handlers = {
    IsActive: unary('IsActive', emit, async (ref: ScaledObjectRef): Promise<IsActiveResponse> => {
      return { result: await demand.isActive(keyOf(ref)) };
    }),

    GetMetricSpec: unary('GetMetricSpec', emit, async (ref: ScaledObjectRef) => specOf(keyOf(ref))),

    GetMetrics: unary('GetMetrics', emit, async (request: GetMetricsRequest): Promise<GetMetricsResponse> => {
      const key = keyOf(request.scaledObjectRef);
      const metricName = request.metricName || demand.metricSpec(key).metricName;
      const metric = await demand.metric(key);
      return {
        metricValues: [{ metricName, metricValue: metric.toString(), metricValueFloat: Number(metric) }],
      };
    }),

    StreamIsActive: stream<IsActiveResponse>(streams, triggers, (key, write) => {
      const stop = demand.onActive(key, () => write({ result: true }));
      emit('streamOpened', key);
      return () => {
        stop();
        emit('streamClosed', key);
      };
    }),

    StreamMetricSpec: stream<GetMetricSpecResponse>(streams, triggers, (key, write) => {
      let told: GetMetricSpecResponse | undefined;
      const tell = (): void => {
        if (triggers.find(key) === undefined) return;
        const spec = specOf(key);
        if (isDeepStrictEqual(spec, told)) return;
        told = spec;
        write(spec);
      };
      tell();
      return triggers.onChange(tell);
    }),
  };

  return {
    handlers,
    endStreams() {
      for (const call of streams) call.end();
    },
  };
}

function unary<Q, A>(
  method: string,
  emit: EmitScaler,
  answer: (request: Q) => Promise<A>,
): HandleUnary<Q, A> {
  return ({ request }, callback) => {
    answer(request).then(
      (response) => {
        emit('answered', method, 'OK');
        callback(null, response);
      },
      (error: unknown) => {
        const failure = statusOf(error);
        emit('answered', method, status[failure.code]);
        callback(failure);
      },
    );
  };
}

/** Opens with `subscribe`, which returns how to stop; ends when KEDA cancels, or with `endStreams`. */
function stream<A>(
  streams: Set<ServerWritableStream<ScaledObjectRef, unknown>>,
  triggers: WantedTriggers,
  subscribe: (key: string, write: (answer: A) => void) => () => void,
): HandleStream<ScaledObjectRef, A> {
  return (call) => {
    try {
      const { key } = triggers.get(keyOf(call.request));
      const unsubscribe = subscribe(key, (answer) => {
        if (!call.cancelled && !call.writableEnded) call.write(answer);
      });
      streams.add(call);
      const close = (): void => {
        if (streams.delete(call)) unsubscribe();
      };
      for (const end of ['cancelled', 'close', 'finish', 'error']) call.on(end, close);
    } catch (error) {
      call.emit('error', statusOf(error));
    }
  };
}

/** `namespace/name` of the trigger: of the metadata `trigger`, else of the ScaledObject's own name. */
function keyOf(ref: ScaledObjectRef | null): string {
  const name = ref?.scalerMetadata.trigger || ref?.name;
  if (ref === null || ref.namespace === '' || name === undefined || name === '') {
    throw new MillraceError('MILLRACE_TRIGGER_UNKNOWN', 'The call names no namespace and trigger');
  }
  return `${ref.namespace}/${name}`;
}

function statusOf(error: unknown): Partial<ServerErrorResponse> & { code: status } {
  if (!(error instanceof MillraceError)) return grpcError(status.INTERNAL, describeError(error));
  const innermost = innermostOf(error);
  const details = `${error.code}: ${describeError(error)}. ${innermost.remedy}`;
  return grpcError(
    error.code === 'MILLRACE_TRIGGER_UNKNOWN' ? status.NOT_FOUND : status.UNAVAILABLE,
    details,
  );
}

function grpcError(code: status, details: string): Partial<ServerErrorResponse> & { code: status } {
  return Object.assign(new Error(details), { code, details });
}

function innermostOf(error: MillraceError): MillraceError {
  return error.cause instanceof MillraceError ? innermostOf(error.cause) : error;
}
