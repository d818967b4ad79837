/** The error of a promise that must reject. */
export async function errorOf<T extends Error>(promise: Promise<unknown>): Promise<T> {
  try {
    await promise;
  } catch (error) {
    return error as T;
  }
  throw new Error('The promise did not reject');
}
