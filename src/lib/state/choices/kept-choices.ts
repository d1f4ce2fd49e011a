import * as v from 'valibot';
import { TemplatesSchema } from '../../schema/plan';
import { TASKS } from '../../schema/run';
import { PRECISIONS, type PrecisionName } from '../../tensor/precisions';

/** Numbers that a field cannot hold (an empty one gives NaN) come back as null. */
export const amount = v.nullable(v.number());
/** What an older or newer version did not know is left to the defaults; what is of another kind is refused whole. */
export const ChoicesSchema = v.partial(
  v.object({
    tasks: v.array(v.picklist(TASKS)),
    templates: TemplatesSchema,
    precisions: v.array(v.picklist(Object.keys(PRECISIONS) as PrecisionName[])),
    tuned: v.array(v.picklist(Object.keys(PRECISIONS) as PrecisionName[])),
    prunings: v.array(v.string()),
    extra: v.array(v.string()),
    twoStage: v.boolean(),
    k: amount,
    baseline: v.boolean(),
    limit: amount,
    slices: amount,
    margin: amount,
    untilDecided: v.boolean(),
    untilPercent: amount,
    maxNewTokens: amount,
    threads: amount,
    seed: amount,
    w: amount,
    profile: v.nullable(v.string()),
  }),
);
