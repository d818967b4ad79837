/** The one source of randomness; seeded in simulation, `node:crypto` in production. */

export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
  /** Fresh bytes, fit for ids and secrets in production. */
  bytes(count: number): Buffer;
}
