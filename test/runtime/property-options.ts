/** Repeats the run of a failed property: `TEST_SEED=<the seed it printed>`. */
export const propertyOptions: { seed?: number } =
  process.env.TEST_SEED === undefined ? {} : { seed: Number(process.env.TEST_SEED) }
