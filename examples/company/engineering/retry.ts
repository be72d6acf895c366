/**
 * Retries for calls to the Moorage API.
 *
 * Only failures that can pass are retried: network errors, 429 and 503. The pause doubles from 400 milliseconds up to
 * 20 seconds, with full jitter, so that many clients do not come back at the same moment. A `Retry-After` header wins
 * over the computed pause. After five attempts the last error is thrown.
 *
 * Every POST must carry an Idempotency-Key, otherwise a retry may book a berth twice; `withRetry` refuses to run
 * without one.
 *
 * Author: Jonas Weidlich <jonas.weidlich@kestrelquay.example>
 */

export interface RetryOptions {
  /** Attempts in total, the first one included. */
  attempts: number;
  /** The first pause, in milliseconds. */
  baseDelayMs: number;
  /** No pause is longer than this, in milliseconds. */
  maxDelayMs: number;
}

export const DEFAULTS: RetryOptions = { attempts: 5, baseDelayMs: 400, maxDelayMs: 20_000 };

const RETRYABLE = new Set([429, 503]);

export class GivingUp extends Error {
  constructor(readonly attempts: number, readonly last: unknown) {
    super(`gave up after ${attempts} attempts (MQ-CLIENT-17)`);
  }
}

export async function withRetry(
  send: () => Promise<Response>,
  method: string,
  idempotencyKey: string | undefined,
  options: RetryOptions = DEFAULTS,
): Promise<Response> {
  if (method === "POST" && !idempotencyKey) {
    throw new TypeError("a POST that may be retried needs an Idempotency-Key");
  }
  let last: unknown;
  for (let attempt = 0; attempt < options.attempts; attempt++) {
    try {
      const response = await send();
      if (!RETRYABLE.has(response.status)) return response;
      last = response.status;
      await pause(retryAfterMs(response) ?? jittered(attempt, options));
    } catch (error) {
      last = error;
      await pause(jittered(attempt, options));
    }
  }
  throw new GivingUp(options.attempts, last);
}

function jittered(attempt: number, options: RetryOptions): number {
  const ceiling = Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** attempt);
  return Math.random() * ceiling;
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
