/** Whether it is this call that has written or applied the decision; not if it was there before. */
export interface IsNew {
  isNew?: boolean;
}
