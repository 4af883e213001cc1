"""Pictures for pages: films, their maps, and uploads, made in child processes of the web role.

The web role takes connections, so that it maps no decoder, no OpenCV and no model: a child of it does, at a lower
priority than reception, and ends when it hangs, dies or has had nothing to do for a while.
"""
