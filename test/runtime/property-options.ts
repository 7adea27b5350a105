/** Repeats the run of a failed property: `SOMA_TEST_SEED=<the seed it printed>`. */
export const propertyOptions: { seed?: number } =
  process.env.SOMA_TEST_SEED === undefined ? {} : { seed: Number(process.env.SOMA_TEST_SEED) }
