import { readSetting } from '../../store/settings';

/** Setting that keeps the chosen unit (`units`). */
export const UNIT_KEY = 'units';

/** Whether a unit was chosen here, without loading what reads it: the first page says joules until then. */
export const unitChosen = () => readSetting(UNIT_KEY) !== null;
