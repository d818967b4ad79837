/** /admin/delete_topics/T, empty: the topic is being deleted. It goes last, so that a controller
 * that takes over finds what is still to be done. */

export const deleteTopicsPath = '/admin/delete_topics';

export const deleteTopicZnode = {
  path(topic: string): string {
    return `${deleteTopicsPath}/${topic}`;
  },
};
